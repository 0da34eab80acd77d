//! A period of nothing.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 0us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
