//! Jitter around what?

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event, jitter = 5us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
