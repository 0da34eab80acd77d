//! A release preempts a job that is busy: the job calls nothing, and is
//! interrupted all the same.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::ExtU64;

    #[init]
    fn init(_: init::Context) {
        busy::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn busy(mut cx: busy::Context) {
        writeln!(cx.console, "busy starts").unwrap();
        cx.clock.spin(400u64.millis());
        writeln!(cx.console, "busy ends").unwrap();
        cx.stop();
    }

    #[task(priority = 2, period = 10s, offset = 200ms)]
    fn urgent(mut cx: urgent::Context) {
        writeln!(cx.console, "  urgent runs").unwrap();
    }
}
