//! Mail that nobody reads.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[channels]
    struct Channels {
        #[channel(clients = 1)]
        control: Channel<u32, u32>,
    }

    #[task(priority = 1, period = 1ms)]
    fn tick(_: tick::Context) {}
}

fn main() {}
