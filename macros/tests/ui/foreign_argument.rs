//! A word of another framework.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(binds = UART0, priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
