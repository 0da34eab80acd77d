//! Every function gets its context.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick() {}
}

fn main() {}
