//! Periods and offsets. All three tasks have one priority, so they run in the
//! order of their releases, however late the core is:
//!
//! ```text
//! ms   0    50   100  150  200  250  300  350  400
//! a    0         1         2         3         4
//! b         0         1         2         3
//! c              0                   1    (at 120 and 320)
//! ```

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 100ms, local = [releases: u32 = 0])]
    fn a(mut cx: a::Context) {
        writeln!(cx.console, "a {}", cx.local.releases).unwrap();
        if *cx.local.releases == 4 {
            cx.stop();
        }
        *cx.local.releases += 1;
    }

    #[task(priority = 1, period = 100ms, offset = 50ms, local = [releases: u32 = 0])]
    fn b(mut cx: b::Context) {
        writeln!(cx.console, "  b {}", cx.local.releases).unwrap();
        *cx.local.releases += 1;
    }

    #[task(priority = 1, period = 200ms, offset = 120ms, local = [releases: u32 = 0])]
    fn c(mut cx: c::Context) {
        writeln!(cx.console, "    c {}", cx.local.releases).unwrap();
        *cx.local.releases += 1;
    }
}
