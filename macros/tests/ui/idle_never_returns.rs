//! Idle is one turn.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[idle]
    fn idle(_: idle::Context) -> ! {
        loop {}
    }
}

fn main() {}
