//! A deadline of a service can be missed because of the app.

#[offsched::service]
pub mod beat {
    #[task(priority = 1, period = 100us, deadline = 50us, budget = 10us)]
    fn tick(_: tick::Context) {}
}

#[offsched::app(services = [slow = crate::beat])]
mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 9, period = 100us, budget = 90us)]
    fn hog(_: hog::Context) {}
}

fn main() {}
