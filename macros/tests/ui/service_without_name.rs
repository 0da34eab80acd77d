//! An instance has a name.

#[offsched::service]
pub mod beat {
    #[task(priority = 60, period = 100us)]
    fn tick(_: tick::Context) {}
}

#[offsched::app(services = [crate::beat])]
mod app {
    #[init]
    fn init(_: init::Context) {}
}

fn main() {}
