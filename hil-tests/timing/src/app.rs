//! The app itself.

/// The app.
#[offsched::app]
pub mod app {
    use offsched::{Duration, ExtU64, Mutex};

    use crate::interrupts::{delay, stamp, stamps, stray, watch};
    use crate::rings;
    use crate::samples::{Samples, bracket};

    /// An alarm's figures: its own lateness, then until its task runs, then from the task's end.
    const FAR: [&str; 3] = [
        "alarm at 1 ms, lateness",
        "alarm at 1 ms, interrupt to task",
        "alarm at 1 ms, task to interrupted job",
    ];
    const NEAR: [&str; 3] = [
        "alarm at 10 us, lateness",
        "alarm at 10 us, interrupt to task",
        "alarm at 10 us, task to interrupted job",
    ];

    #[shared]
    struct Shared {
        total: u64,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        // Not before Linux is done with starting this core: what it does takes turns from us.
        measure::spawn_after(300u64.millis()).unwrap();
        Shared { total: 0 }
    }

    /// Everything but the wake from idle.
    #[task(priority = 1, event, measure = false, shared = [total])]
    fn measure(mut cx: measure::Context) {
        let empty = Samples::of(|| bracket(|| {})).median();
        calls(&mut cx, empty);
        alarm(&mut cx, 1u64.millis(), FAR, empty);
        alarm(&mut cx, 10u64.micros(), NEAR, empty);
        rings::measure(&mut cx.console, empty);
        wake::spawn_after(1u64.millis()).unwrap();
    }

    /// What needs no time to go by.
    fn calls(cx: &mut measure::Context<'_>, empty: u64) {
        let mut back = Samples::new();
        let first = Samples::of(|| {
            let start = offsched_hal_x86::tsc::read();
            urgent::spawn().unwrap();
            let end = offsched_hal_x86::tsc::read();
            let (entered, left) = stamps();
            back.add(end.saturating_sub(left));
            entered.saturating_sub(start)
        });
        first.print(&mut cx.console, "preemption, spawn to task", empty);
        back.print(&mut cx.console, "preemption, task to behind spawn", empty);
        let whole = Samples::of(|| bracket(|| silent::spawn().unwrap()));
        whole.print(&mut cx.console, "preemption, spawn and back", empty);
        let whole = Samples::of(|| bracket(|| measured::spawn().unwrap()));
        whole.print(
            &mut cx.console,
            "preemption with books, spawn and back",
            empty,
        );
        let lock = Samples::of(|| bracket(|| cx.shared.total.lock(|total| *total += 1)));
        lock.print(&mut cx.console, "lock", empty);
        let entry = Samples::of(|| bracket(stray));
        entry.print(&mut cx.console, "interrupt entry and return", empty);
    }

    /// An alarm over a job that computes: when the interrupt comes, when the task runs, when the job goes on.
    fn alarm(cx: &mut measure::Context<'_>, after: Duration, names: [&str; 3], empty: u64) {
        let (mut late, mut task, mut back) = (Samples::new(), Samples::new(), Samples::new());
        while !late.full() {
            // Another place in the loop for each sample: the least is what counts, not the luck of one place.
            delay(late.count());
            let due = cx.clock.now() + after;
            let at = cx.clock.scale().cycles_at(due.as_ticks());
            let seen = watch(|| {
                urgent::spawn_at(due).unwrap();
            });
            let (entered, left) = stamps();
            late.add(seen.before.saturating_sub(at));
            task.add(entered.saturating_sub(seen.before));
            back.add(seen.after.saturating_sub(left));
        }
        late.print_least(&mut cx.console, names[0], 0);
        task.print_least(&mut cx.console, names[1], empty);
        back.print_least(&mut cx.console, names[2], empty);
    }

    /// Spawned and woken; uses `total` too, so that its lock has a ceiling above `measure`.
    #[task(priority = 3, event, measure = false, shared = [total])]
    fn urgent(_: urgent::Context) {
        stamp();
    }

    #[task(priority = 3, event, measure = false)]
    fn silent(_: silent::Context) {}

    #[task(priority = 3, event)]
    fn measured(_: measured::Context) {}

    /// From a core that has nothing to do and halts, again and again.
    #[task(priority = 2, event, measure = false, local = [late: Samples = Samples::new()])]
    fn wake(mut cx: wake::Context) {
        let now = offsched_hal_x86::tsc::read();
        let at = cx.clock.scale().cycles_at(cx.release.as_ticks());
        cx.local.late.add(now.saturating_sub(at));
        if cx.local.late.full() {
            cx.local
                .late
                .print(&mut cx.console, "lateness of a task, core halted", 0);
            cx.stop();
        } else {
            wake::spawn_after(1u64.millis()).unwrap();
        }
    }
}
