//! One rule for all users of a resource.

#[offsched::app]
mod app {
    #[shared]
    struct Shared {
        total: u32,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared { total: 0 }
    }

    #[task(priority = 1, period = 100us, shared = [total])]
    fn tick(_: tick::Context) {}

    #[task(priority = 2, period = 100us, shared = [&total])]
    fn tock(_: tock::Context) {}
}

fn main() {}
