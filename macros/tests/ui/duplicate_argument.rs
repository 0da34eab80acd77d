//! Twice is too often.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, priority = 2)]
    fn tick(_: tick::Context) {}
}

fn main() {}
