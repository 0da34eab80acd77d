//! Declared in place, but with which value?

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us, local = [count: u32])]
    fn tick(_: tick::Context) {}
}

fn main() {}
