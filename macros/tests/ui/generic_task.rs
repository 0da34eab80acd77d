//! A task has one type.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event)]
    fn tick<T: Send>(_: tick::Context, x: T) {}
}

fn main() {}
