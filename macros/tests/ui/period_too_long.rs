//! The schedule counts in 32 bits of microseconds.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 5000s)]
    fn tick(_: tick::Context) {}
}

fn main() {}
