//! There are three things to do about a miss.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, on_miss = panic)]
    fn tick(_: tick::Context) {}
}

fn main() {}
