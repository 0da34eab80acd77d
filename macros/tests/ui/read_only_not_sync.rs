//! Without a lock several read at once.

#[offsched::app]
mod app {
    use std::cell::Cell;

    #[shared]
    struct Shared {
        total: Cell<u32>,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared {
            total: Cell::new(0),
        }
    }

    #[task(priority = 1, period = 100us, shared = [&total])]
    fn tick(_: tick::Context) {}
}

fn main() {}
