//! A field that nobody uses.

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

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
