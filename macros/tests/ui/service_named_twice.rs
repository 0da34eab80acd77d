//! Instances need names of their own.

#[offsched::service]
pub mod beat {
    #[task(priority = 60, period = 100us)]
    fn tick(_: tick::Context) {}
}

#[offsched::app(services = [beat = crate::beat, beat = crate::beat { base = 1 }])]
mod app {
    #[init]
    fn init(_: init::Context) {}
}

fn main() {}
