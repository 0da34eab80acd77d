//! Nothing takes less than no time.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = -5us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
