//! Idle is level 0.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[idle(priority = 1)]
    fn idle(_: idle::Context) {}
}

fn main() {}
