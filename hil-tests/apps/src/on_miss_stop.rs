//! A missed deadline stops the core: for systems in which wrong is worse than
//! silent. The late job ends first; nothing starts after it.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::ExtU64;

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 200ms, deadline = 100ms, on_miss = stop, capacity = 2)]
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
