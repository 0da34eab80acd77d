//! The bound is above the deadline.

#[offsched::app(overhead = 500ns)]
mod app {
    #[shared]
    struct Shared {
        log: u32,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared { log: 0 }
    }

    #[task(priority = 3, period = 100us, budget = 40us)]
    fn control(_: control::Context) {}

    #[task(priority = 2, period = 200us, deadline = 100us, budget = 50us, shared = [log])]
    fn estimate(_: estimate::Context) {}

    #[task(priority = 1, period = 10ms, budget = 500us, shared = [log(15us)])]
    fn report(_: report::Context) {}
}

fn main() {}
