//! A channel for nobody.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[channels]
    struct Channels {
        #[channel(clients = 0)]
        control: Channel<u32, u32>,
    }

    #[task(priority = 1, channel = control)]
    fn tick(_: tick::Context) {}
}

fn main() {}
