//! Arguments are separated by commas.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1; period = 10us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
