//! The executive calls with nothing to promise.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    unsafe fn tick(_: tick::Context) {}
}

fn main() {}
