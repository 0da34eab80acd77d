//! Two kinds of release.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, event)]
    fn tick(_: tick::Context) {}
}

fn main() {}
