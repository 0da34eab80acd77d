//! Nothing is done in no time.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, deadline = 0us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
