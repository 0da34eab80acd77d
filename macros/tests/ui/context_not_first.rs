//! The payload comes after the context.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event)]
    fn tick(x: u32, cx: tick::Context) {}
}

fn main() {}
