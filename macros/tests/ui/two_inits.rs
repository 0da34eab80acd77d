//! One beginning.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[init]
    fn begin(_: begin::Context) {}
}

fn main() {}
