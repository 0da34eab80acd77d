//! The policy needs a value.

#[offsched::app(idle)]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
