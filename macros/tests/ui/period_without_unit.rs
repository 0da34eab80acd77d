//! A number is no duration.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100)]
    fn tick(_: tick::Context) {}
}

fn main() {}
