//! What the core does when there is nothing to do: one turn of `idle` after the
//! other. It is the least urgent code of all, and everything preempts it.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::Mutex;

    #[shared]
    struct Shared {
        jobs: u32,
    }

    #[init]
    fn init(mut cx: init::Context) -> Shared {
        writeln!(cx.console, "init").unwrap();
        work::spawn().unwrap();
        Shared { jobs: 0 }
    }

    #[idle(shared = [jobs], local = [turns: u32 = 0])]
    fn idle(mut cx: idle::Context) {
        *cx.local.turns += 1;
        let jobs = cx.shared.jobs.lock(|jobs| *jobs);
        if jobs == 0 {
            // The first release is still to come: tick 0 begins after init.
            *cx.local.turns = 0;
            return;
        }
        writeln!(cx.console, "turn {} after job {jobs}", cx.local.turns).unwrap();
        if *cx.local.turns == 3 {
            cx.stop();
            return;
        }
        work::spawn().unwrap();
        writeln!(cx.console, "turn {} ends", cx.local.turns).unwrap();
    }

    #[task(priority = 1, event, shared = [jobs])]
    fn work(mut cx: work::Context) {
        let job = cx.shared.jobs.lock(|jobs| {
            *jobs += 1;
            *jobs
        });
        writeln!(cx.console, "  job {job}").unwrap();
    }
}
