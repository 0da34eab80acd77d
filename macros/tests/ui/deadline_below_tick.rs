//! A deadline is on the schedule too.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, deadline = 2500ns)]
    fn tick(_: tick::Context) {}
}

fn main() {}
