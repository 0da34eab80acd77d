//! A shared resource is changed under its lock.

#[offsched::app]
mod app {
    #[shared]
    struct Shared {
        a: (u32, u32),
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared { a: (0, 0) }
    }

    #[task(priority = 1, period = 100us, shared = [&mut a])]
    fn tick(_: tick::Context) {}
}

fn main() {}
