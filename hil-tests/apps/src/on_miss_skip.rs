//! The releases that a late job missed are passed over, and the phase is kept:
//! after sample 0 comes sample 3, in time.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::ExtU64;

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 200ms, deadline = 100ms, on_miss = skip, capacity = 2)]
    fn sample(mut cx: sample::Context) {
        let number = cx.release.as_ticks() / 200_000;
        writeln!(cx.console, "sample {number}").unwrap();
        if number == 0 {
            // Releases 1 and 2 come meanwhile.
            cx.clock.spin(500u64.millis());
            writeln!(cx.console, "sample {number} was late").unwrap();
        }
        if number == 4 {
            cx.stop();
        }
    }
}
