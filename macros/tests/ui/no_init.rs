//! Something must create the resources.

#[offsched::app]
mod app {
    #[task(priority = 1, period = 100us)]
    fn tick(_: tick::Context) {}
}

fn main() {}
