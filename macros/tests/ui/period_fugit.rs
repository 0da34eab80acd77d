//! Durations are literals, not calls.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100.micros())]
    fn tick(_: tick::Context) {}
}

fn main() {}
