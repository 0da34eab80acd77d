//! A channel is a whole field.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, channels = [a.b])]
    fn tick(_: tick::Context) {}
}

fn main() {}
