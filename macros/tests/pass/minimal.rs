//! The smallest app, and one that does nothing.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

#[offsched::app]
mod nothing {
    #[init]
    fn init(_: init::Context) {}
}

fn main() {}
