//! Two directions, two types.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[channels]
    struct Channels {
        control: Channel<u32>,
    }
}

fn main() {}
