//! No clock, no deadline.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, deadline = 50us, measure = false)]
    fn tick(_: tick::Context) {}
}

fn main() {}
