//! Durations are whole numbers.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 1.5ms)]
    fn tick(_: tick::Context) {}
}

fn main() {}
