//! Only time releases a task whether it is ready or not.

#[offsched::app]
mod app {
    use offsched::Channel;

    #[channels]
    struct Channels {
        control: Channel<u32, u32>,
    }

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event, min_interval = 1ms, on_miss = skip)]
    fn report(_: report::Context) {}

    #[task(priority = 2, channel = control, deadline = 1ms, on_miss = skip)]
    fn answer(_: answer::Context) {}
}

fn main() {}
