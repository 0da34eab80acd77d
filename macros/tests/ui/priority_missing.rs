//! Every task says how urgent it is.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
