//! A driver's delay: never shorter than asked, and no obstacle for a more
//! urgent task, which makes it longer.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use embedded_hal::delay::DelayNs;

    #[init]
    fn init(_: init::Context) {
        driver::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn driver(mut cx: driver::Context) {
        let mut delay = cx.clock.delay();
        for us in [0, 1, 300, 250_000] {
            let begin = cx.clock.cycles();
            delay.delay_us(us);
            let took = cx.clock.cycles() - begin;
            let short = took < cx.clock.scale().cycles_in(u64::from(us));
            writeln!(
                cx.console,
                "{us} us: {}",
                if short { "too short" } else { "done" }
            )
            .unwrap();
        }
        cx.stop();
    }

    #[task(priority = 2, period = 200ms, offset = 100ms)]
    fn urgent(mut cx: urgent::Context) {
        writeln!(cx.console, "  urgent").unwrap();
    }
}
