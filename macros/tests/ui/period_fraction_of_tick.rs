//! The schedule has no fractions of its tick.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 0.4us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
