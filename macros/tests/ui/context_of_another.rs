//! A context belongs to one function.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tock::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tock(_: tock::Context) {}
}

fn main() {}
