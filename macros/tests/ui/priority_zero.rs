//! Level 0 is idle.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 0, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
