//! Nobody would get the value.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) -> u32 {
        0
    }
}

fn main() {}
