//! Something must create the resources.

#[offsched::app]
mod app {
    #[shared]
    struct Shared {
        total: u32,
    }

    #[task(priority = 1, period = 100us, shared = [total])]
    fn tick(_: tick::Context) {}
}

fn main() {}
