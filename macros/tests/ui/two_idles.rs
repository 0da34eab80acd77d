//! One idle function.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[idle]
    fn idle(_: idle::Context) {}

    #[idle]
    fn doze(_: doze::Context) {}
}

fn main() {}
