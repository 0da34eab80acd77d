//! One struct of a kind.

#[offsched::app]
mod app {
    #[shared]
    struct Shared {}

    #[shared]
    struct More {}

    #[init]
    fn init(_: init::Context) -> More {
        More {}
    }
}

fn main() {}
