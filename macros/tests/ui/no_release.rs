//! No kind of release.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1)]
    fn tick(_: tick::Context) {}
}

fn main() {}
