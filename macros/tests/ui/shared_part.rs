//! A shared resource is a whole field.

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

    #[task(priority = 1, period = 100us, shared = [a.0])]
    fn tick(_: tick::Context) {}
}

fn main() {}
