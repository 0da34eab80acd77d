//! Above the deadline already without what is not declared.

#[offsched::service]
pub mod beat {
    #[task(priority = 1, period = 1ms)]
    fn tick(_: tick::Context) {}
}

#[offsched::app(services = [beat = crate::beat { base = 8 }])]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 2, period = 100us, budget = 50us)]
    fn control(_: control::Context) {}

    #[task(priority = 1, period = 1ms, deadline = 100us, budget = 60us)]
    fn late(_: late::Context) {}
}

fn main() {}
