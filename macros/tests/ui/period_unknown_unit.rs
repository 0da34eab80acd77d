//! A unit that is none.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100min)]
    fn tick(_: tick::Context) {}
}

fn main() {}
