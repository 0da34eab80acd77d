//! Mail releases one task.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[channels]
    struct Channels {
        #[channel(clients = 2)]
        control: Channel<u32, u32>,
    }

    #[task(priority = 1, channel = control)]
    fn tick(_: tick::Context) {}

    #[task(priority = 2, channel = control)]
    fn tock(_: tock::Context) {}
}

fn main() {}
