//! A channel carries messages, which have an identity.

#[offsched::app]
mod app {
    use offsched::Channel;

    pub struct Order(u32);

    #[init]
    fn init(_: init::Context) {}

    #[channels]
    struct Channels {
        #[channel(ring = 4096)]
        control: Channel<Order, u32>,
    }

    #[task(priority = 1, channel = control)]
    fn tick(_: tick::Context) {}
}

fn main() {}
