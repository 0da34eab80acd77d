//! A slip of the pen.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, perod = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
