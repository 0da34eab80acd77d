//! An offset of a period or more.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, offset = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
