//! The default deadline is the period.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, budget = 110us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
