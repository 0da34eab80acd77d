//! A job that takes its budget misses.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, deadline = 50us, budget = 60us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
