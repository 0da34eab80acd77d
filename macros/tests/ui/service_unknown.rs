//! A service that is not there.

#[offsched::service]
pub mod beat {
    #[task(priority = 60, period = 100us)]
    fn tick(_: tick::Context) {}
}

#[offsched::app(services = [beat = crate::bear])]
mod app {
    #[init]
    fn init(_: init::Context) {}
}

fn main() {}
