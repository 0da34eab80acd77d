//! Time sends nothing.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context, x: u32) {}
}

fn main() {}
