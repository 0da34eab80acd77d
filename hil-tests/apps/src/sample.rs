//! The app of the README: it samples until it is stopped, and says so every
//! thousand samples. Its output depends on how long it runs, so there is no
//! expected text; `cargo xtask vm` has its image.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::Mutex;

    #[shared]
    struct Shared {
        total: u64,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared { total: 0 }
    }

    /// Every 100 us, never longer than 5 us, done within 80 us of its release; late releases are passed over.
    #[task(priority = 2, period = 100us, deadline = 80us, budget = 5us, on_miss = skip, shared = [total(1us)])]
    fn sample(mut cx: sample::Context) {
        let total = cx.shared.total.lock(|total| {
            *total += 1;
            *total
        });
        if total % 1_000 == 0 {
            let _ = report::spawn(total); // preempted by nothing below it, runs when `sample` is done
        }
    }

    /// Runs when spawned, at most every 10 ms.
    #[task(priority = 1, event, min_interval = 10ms, budget = 50us)]
    fn report(mut cx: report::Context, total: u64) {
        let _ = writeln!(cx.console, "{total} samples");
    }
}
