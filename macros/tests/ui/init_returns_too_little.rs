//! Init returns what is declared.

#[offsched::app]
mod app {
    #[shared]
    struct Shared {
        total: u32,
    }

    #[local]
    struct Local {
        led: u8,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared { total: 0 }
    }

    #[task(priority = 1, period = 100us, shared = [total], local = [led])]
    fn tick(_: tick::Context) {}
}

fn main() {}
