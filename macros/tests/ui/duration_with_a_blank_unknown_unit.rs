//! A blank does not make a unit.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100 min)]
    fn tick(_: tick::Context) {}
}

fn main() {}
