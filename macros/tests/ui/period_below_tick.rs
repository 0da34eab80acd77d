//! The schedule counts microseconds.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 500ns)]
    fn tick(_: tick::Context) {}
}

fn main() {}
