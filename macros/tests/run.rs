//! Expanded apps run in virtual time: what a task does, when, and in which order, as its console shows.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use offsched::ExtU64;
use offsched_sim::{Config, run};

/// A service with a payload and resources of types that the app never names.
#[offsched::service]
pub mod beat {
    use core::fmt::Write;
    use offsched::Mutex;

    #[shared]
    struct Shared {
        beats: u32,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        Shared { beats: 0 }
    }

    #[task(priority = 1, period = 100us, shared = [beats])]
    fn tick(mut cx: tick::Context) {
        let beats = cx.shared.beats.lock(|beats| {
            *beats += 1;
            *beats
        });
        cx.spawn.echo.spawn((beats, vec![beats])).unwrap();
    }

    #[task(priority = 2, event, shared = [beats], local = [seen: Vec<u32> = Vec::new()])]
    fn echo(mut cx: echo::Context, beat: u32, more: Vec<u32>) {
        cx.local.seen.extend(more);
        let beats = cx.shared.beats.lock(|beats| *beats);
        writeln!(
            cx.console,
            "echo {beat} of {beats}, seen {:?}",
            cx.local.seen
        )
        .unwrap();
    }
}

#[offsched::app(services = [fast = beat { base = 5 }, slow = beat])]
mod two_instances {
    #[init]
    fn init(_: init::Context) {}
}

#[test]
fn instances_of_a_service_have_their_own_state() {
    let run = run::<two_instances::App>(&Config::new(150.micros())).unwrap();
    let expected = "\
echo 1 of 1, seen [1]
echo 1 of 1, seen [1]
echo 2 of 2, seen [1, 2]
echo 2 of 2, seen [1, 2]
";
    assert_eq!(run.console, expected);
    assert_eq!(
        run.names.tasks,
        ["fast.tick", "fast.echo", "slow.tick", "slow.echo"]
    );
}

#[offsched::app]
mod all {
    use core::fmt::Write;
    use offsched::{ExtU64, Mutex, Reason};
    use std::sync::atomic::{AtomicU32, Ordering};

    pub static DROPPED: AtomicU32 = AtomicU32::new(0);

    struct Noisy;

    impl Drop for Noisy {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[shared]
    struct Shared {
        total: u64,
        name: &'static str,
        _kept: Noisy,
    }

    #[local]
    struct Local {
        led: Noisy,
    }

    #[init]
    fn init(mut cx: init::Context) -> (Shared, Local) {
        writeln!(cx.console, "init").unwrap();
        let shared = Shared {
            total: 0,
            name: "n",
            _kept: Noisy,
        };
        (shared, Local { led: Noisy })
    }

    #[idle(shared = [total], local = [is_done: bool = false])]
    fn idle(mut cx: idle::Context) {
        if !*cx.local.is_done && cx.shared.total.lock(|total| *total) >= 12 {
            *cx.local.is_done = true;
            cx.stop();
        }
    }

    #[task(
        priority = 3, period = 100us, offset = 10us,
        shared = [total, &name], local = [led, count: u32 = 0, _also: Noisy = Noisy]
    )]
    fn sample(mut cx: sample::Context) {
        *cx.local.count += 1;
        let (count, name, now) = (*cx.local.count, cx.shared.name, cx.release.as_ticks());
        writeln!(cx.console, "sample {count} {name} at {now}").unwrap();
        low::spawn(count).unwrap();
        low::spawn(count + 100).unwrap();
        assert_eq!(low::spawn(0).unwrap_err().reason, Reason::Full);
        cx.shared.total.lock(|total| {
            high::spawn(1, (2, 3)).unwrap();
            *total += 1;
        });
        writeln!(cx.console, "sample ends").unwrap();
        let handle = high::spawn_after(20u64.micros(), 9, (9, 9)).unwrap();
        assert_eq!(handle.cancel().unwrap(), (9, (9, 9)));
        let _ = high::spawn_at(cx.release + 30u64.micros(), 4, (0, 0)).unwrap();
    }

    #[task(priority = 2, event, capacity = 2)]
    fn low(mut cx: low::Context, x: u32) {
        writeln!(cx.console, "low {x}").unwrap();
    }

    #[task(priority = 9, event, capacity = 2, shared = [total])]
    fn high(mut cx: high::Context, x: u64, (a, b): (u64, u64)) {
        let total = cx.shared.total.lock(|total| {
            *total += x + a + b - 1;
            *total
        });
        let now = cx.release.as_ticks();
        writeln!(cx.console, "high {x} at {now}, total {total}").unwrap();
    }
}

/// The lock of `total` has the ceiling 9, so `high` waits for its end and then runs before `sample` goes on.
#[test]
fn one_app_with_everything_runs_twice() {
    assert!(all::low::spawn(1).is_err(), "no core runs");
    let expected = "\
init
sample 1 n at 10
high 1 at 10, total 6
sample ends
low 1
low 101
high 4 at 40, total 9
sample 2 n at 110
high 1 at 110, total 15
sample ends
";
    for turn in 1..=2 {
        let run = run::<all::App>(&Config::new(1u64.millis())).unwrap();
        assert!(run.console.starts_with(expected), "{}", run.console);
        assert!(run.violations.is_empty());
        let dropped = all::DROPPED.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(dropped, 3 * turn, "what init made is dropped at the end");
    }
}

/// How often a [`Canceller`] was dropped.
static DROPS: AtomicU32 = AtomicU32::new(0);
/// The handle of the job that has it.
static OWN_HANDLE: Mutex<Option<late::late::SpawnHandle>> = Mutex::new(None);

/// A message that takes its own job back as it is dropped.
pub struct Canceller;

impl Drop for Canceller {
    fn drop(&mut self) {
        DROPS.fetch_add(1, Relaxed);
        let handle = OWN_HANDLE.lock().unwrap().take();
        // Forgotten if it comes, so that the test counts two owners instead of dropping for ever.
        if let Some(Ok(again)) = handle.map(|handle| handle.cancel()) {
            DROPS.fetch_add(1, Relaxed);
            std::mem::forget(again);
        }
    }
}

/// A message that waits for the end of the run.
#[offsched::app]
pub mod late {
    use offsched::ExtU64;

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, event)]
    fn late(_: late::Context, _: super::Canceller) {}

    #[task(priority = 2, period = 1ms)]
    fn first(_: first::Context) {
        let handle = late::spawn_after(1u64.secs(), super::Canceller).unwrap();
        *super::OWN_HANDLE.lock().unwrap() = Some(handle);
    }
}

/// A regression: at the end of the run a message that waited could be had out of its slot while it was dropped there.
#[test]
fn a_message_that_cancels_itself_is_dropped_once() {
    run::<late::App>(&Config::new(500u64.micros())).unwrap();
    assert_eq!(DROPS.load(Relaxed), 1);
}
