//! A task is a function.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    struct Tick;
}

fn main() {}
