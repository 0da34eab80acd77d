//! All errors are shown in one go.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 0, period = 100, on_miss = never, bugdet = 5us)]
    fn tick(_: tick::Context) -> u8 {
        0
    }

    #[idle(shared = total)]
    fn idle() {}
}

fn main() {}
