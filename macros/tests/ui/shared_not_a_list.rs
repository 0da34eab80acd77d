//! A list has brackets.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, shared = total)]
    fn tick(_: tick::Context) {}
}

fn main() {}
