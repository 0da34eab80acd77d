//! Ceilings are fixed before cfg is looked at.

#[offsched::app]
mod app {
    #[shared]
    struct Shared {
        #[cfg(test)]
        total: u32,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared {}
    }

    #[task(priority = 1, period = 100us, shared = [total])]
    fn tick(_: tick::Context) {}
}

fn main() {}
