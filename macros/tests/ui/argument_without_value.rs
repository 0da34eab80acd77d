//! A name alone.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
