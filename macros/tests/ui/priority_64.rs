//! The highest level is 63.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 64, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
