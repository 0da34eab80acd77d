//! Durations are whole numbers: what is meant can be said.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, budget = 1.5us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
