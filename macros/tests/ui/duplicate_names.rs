//! Two tasks of one name.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}

    #[task(priority = 2, event)]
    fn tick(_: tick::Context) {}
}

fn main() {}
