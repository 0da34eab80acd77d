//! The analysis runs before constants have values.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = PERIOD)]
    fn tick(_: tick::Context) {}
}

fn main() {}
