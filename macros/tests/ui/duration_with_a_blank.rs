//! A duration is one literal.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100 us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
