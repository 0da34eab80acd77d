//! The period is the interval.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, min_interval = 50us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
