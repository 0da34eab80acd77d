//! Durations are whole numbers, of nanoseconds if need be.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, budget = 0.4us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
