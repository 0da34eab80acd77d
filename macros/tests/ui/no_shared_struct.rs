//! Shared, but where?

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, shared = [total], local = [led])]
    fn tick(_: tick::Context) {}
}

fn main() {}
