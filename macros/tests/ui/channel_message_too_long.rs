//! A message takes at most half of its ring.

#[offsched::app]
mod app {
    use offsched::Channel;

    #[init]
    fn init(_: init::Context) {}

    #[channels]
    struct Channels {
        #[channel(ring = 256)]
        control: Channel<u32, [u8; 200]>,
    }

    #[task(priority = 1, channel = control)]
    fn tick(_: tick::Context) {}
}

fn main() {}
