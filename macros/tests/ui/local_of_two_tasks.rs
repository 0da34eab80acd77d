//! A local belongs to one.

#[offsched::app]
mod app {
    #[local]
    struct Local {
        led: u8,
    }

    #[init]
    fn init(_: init::Context) -> Local {
        Local { led: 0 }
    }

    #[task(priority = 1, period = 100us, local = [led])]
    fn tick(_: tick::Context) {}

    #[task(priority = 2, period = 100us, local = [led])]
    fn tock(_: tock::Context) {}
}

fn main() {}
