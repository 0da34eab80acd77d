//! More than the executive counts.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event, capacity = 2000)]
    fn tick(_: tick::Context) {}
}

fn main() {}
