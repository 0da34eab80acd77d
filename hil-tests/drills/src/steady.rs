//! A core whose heartbeat can be watched: it does next to nothing, again and again, and answers who asks.

pub use app::App;

/// The app.
#[offsched::app(services = [echo = crate::echo::echo])]
pub mod app {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 20ms, deadline = 20ms, on_miss = count)]
    fn beat(_: beat::Context) {}
}
