//! A duration has a unit.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, budget = 1.5)]
    fn tick(_: tick::Context) {}
}

fn main() {}
