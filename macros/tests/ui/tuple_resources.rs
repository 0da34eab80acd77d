//! Resources have names.

#[offsched::app]
mod app {
    #[shared]
    struct Shared(u32);

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared(0)
    }
}

fn main() {}
