//! A payload outlives its sender.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event)]
    fn tick(_: tick::Context, x: &str) {}
}

fn main() {}
