//! The base pushes a priority above the highest.

#[offsched::service]
pub mod beat {
    #[task(priority = 60, period = 100us)]
    fn tick(_: tick::Context) {}
}

#[offsched::app(services = [beat = crate::beat, fast = crate::beat { base = 4 }])]
mod app {
    #[init]
    fn init(_: init::Context) {}
}

fn main() {}
