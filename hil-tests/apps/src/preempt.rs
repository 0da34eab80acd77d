//! A more urgent task runs inside the one that spawned it: there is one stack,
//! and the prints nest like the calls.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;

    #[init]
    fn init(_: init::Context) {
        low::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn low(mut cx: low::Context) {
        writeln!(cx.console, "low starts").unwrap();
        middle::spawn().unwrap();
        writeln!(cx.console, "low ends").unwrap();
        cx.stop();
    }

    #[task(priority = 2, event)]
    fn middle(mut cx: middle::Context) {
        writeln!(cx.console, "  middle starts").unwrap();
        high::spawn().unwrap();
        // Not more urgent than we are: it waits until middle has ended, and still comes before low goes on.
        equal::spawn().unwrap();
        writeln!(cx.console, "  middle ends").unwrap();
    }

    #[task(priority = 2, event)]
    fn equal(mut cx: equal::Context) {
        writeln!(cx.console, "  equal runs").unwrap();
    }

    #[task(priority = 3, event)]
    fn high(mut cx: high::Context) {
        writeln!(cx.console, "    high runs").unwrap();
    }
}
