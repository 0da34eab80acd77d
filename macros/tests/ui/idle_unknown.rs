//! A core that has nothing to do polls or halts.

#[offsched::app(idle = sleep)]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
