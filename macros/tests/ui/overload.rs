//! More than the whole core.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 2, period = 100us, budget = 75us)]
    fn control(_: control::Context) {}

    #[task(priority = 1, period = 200us, budget = 60us)]
    fn report(_: report::Context) {}
}

fn main() {}
