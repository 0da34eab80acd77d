//! Jobs run to completion.

#[offsched::app]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100us)]
    async fn tick(_: tick::Context) {}
}

fn main() {}
