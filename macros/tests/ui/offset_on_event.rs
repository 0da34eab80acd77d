//! Only time has an offset.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event, offset = 5us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
