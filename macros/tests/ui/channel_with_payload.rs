//! Mail is received, not passed.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[channels]
    struct Channels {
        #[channel(clients = 1)]
        control: Channel<u32, u32>,
    }

    #[task(priority = 1, channel = control, capacity = 3)]
    fn tick(_: tick::Context, request: u32) {}
}

fn main() {}
