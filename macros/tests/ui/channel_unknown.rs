//! A channel that nobody declared.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, channel = control)]
    fn tick(_: tick::Context) {}
}

fn main() {}
