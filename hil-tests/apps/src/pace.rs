//! The least interval holds back a burst: `paced` is spawned three times at
//! once, and its jobs still start a fifth of a second apart.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;

    #[init]
    fn init(_: init::Context) {
        burst::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn burst(mut cx: burst::Context) {
        for number in 1..=3 {
            paced::spawn(number).unwrap();
        }
        // Only the first was let through. It is more urgent than we are, so it has run.
        writeln!(cx.console, "burst ends").unwrap();
    }

    #[task(priority = 2, event, min_interval = 200ms, capacity = 3)]
    fn paced(mut cx: paced::Context, number: u32) {
        writeln!(cx.console, "paced {number}").unwrap();
        if number == 3 {
            cx.stop();
        }
    }
}
