//! A task that can hold no job.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event, capacity = 0)]
    fn tick(_: tick::Context) {}
}

fn main() {}
