//! Nothing can be missed.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event, on_miss = stop)]
    fn tick(_: tick::Context) {}
}

fn main() {}
