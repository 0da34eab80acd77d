//! No clock, no miss.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, on_miss = stop, measure = false)]
    fn tick(_: tick::Context) {}
}

fn main() {}
