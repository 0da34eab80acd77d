//! What an app takes.

#[offsched::app(device = pac)]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
