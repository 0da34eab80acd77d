//! Running an app by its type.

mod app;
mod channel;
#[path = "../common/table.rs"]
mod table;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use app::{PANICS, Small, spawn_report};
use offsched::{ExtU64, Outcome, Reason, StartError};
use offsched_sim::{Config, Execution, Pattern, run};

/// The tests here share one app and its switch.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn one_at_a_time() -> MutexGuard<'static, ()> {
    // A test that failed left nothing behind that matters to the others.
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config(us: u64) -> Config {
    Config::new(us.micros())
}

#[test]
fn an_app_prints_and_is_recorded() {
    let _one = one_at_a_time();
    let config = config(250)
        .executes("sample", Execution::Fixed(10_000))
        .executes("report", Execution::Fixed(95_000));
    let run = run::<Small>(&config).unwrap();
    assert_eq!(run.outcome, Outcome::Stopped);
    assert_eq!(run.console, "0 at 10\n1 at 115\n2 at 220\n");
    assert_eq!(
        run.text(),
        "       0.000 sample#0       start
      10.000 sample#0       end
      10.000 report#0       start, 10.000 late
     100.000 report#0       preempted
     100.000 sample#1       start
     110.000 sample#1       end
     110.000 report#0       resume
     115.000 report#0       end
     115.000 report#1       start, 15.000 late
     200.000 report#1       preempted
     200.000 sample#2       start
     210.000 sample#2       end
     210.000 report#1       resume
     220.000 report#1       end
     220.000 report#2       start, 20.000 late
     315.000 report#2       end
"
    );
}

#[test]
fn handlers_spawn_from_outside() {
    let _one = one_at_a_time();
    let burst = Pattern::Burst {
        every_ns: 1_000_000,
        count: 3,
        offset_ns: 55_000,
    };
    // Idle, each is run at once, so there is always room.
    let run = run::<Small>(&config(90).call_on(burst, || spawn_report(77).unwrap())).unwrap();
    assert_eq!(run.console, "0 at 0\n77 at 55\n77 at 55\n77 at 55\n");
}

#[test]
fn execution_times_are_random_but_repeatable() {
    let _one = one_at_a_time();
    let mut config = config(2_000).executes("sample", Execution::Between(1_000, 90_000));
    let texts = [1, 2, 1].map(|seed| {
        config.seed = seed;
        run::<Small>(&config).unwrap().text()
    });
    assert_ne!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}

#[test]
fn one_thread_is_one_core() {
    let _one = one_at_a_time();
    let inner = || {
        let refused = run::<Small>(&config(1)).map(|run| run.outcome);
        assert_eq!(refused, Err(StartError::AlreadyRunning));
    };
    assert_eq!(
        run::<Small>(&config(90).call_at(50_000, inner))
            .unwrap()
            .console,
        "0 at 0\n"
    );
}

#[test]
fn threads_take_turns_with_an_app() {
    let _one = one_at_a_time();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(
                        run::<Small>(&config(190)).unwrap().console,
                        "0 at 0\n1 at 100\n"
                    );
                }
            });
        }
    });
}

#[test]
fn spawns_from_elsewhere_are_refused_and_counted() {
    let _one = one_at_a_time();
    assert_eq!(
        spawn_report(1).map_err(|refused| refused.reason),
        Err(Reason::NotRunning)
    );
    let elsewhere = || {
        let refused = std::thread::spawn(|| {
            spawn_report(1).map_err(|refused| (refused.reason, refused.payload))
        })
        .join();
        assert_eq!(refused.unwrap(), Err((Reason::NotOnCore, (1,))));
    };
    let run = run::<Small>(&config(90).call_at(50_000, elsewhere)).unwrap();
    // The one before the run too.
    assert_eq!(run.core.foreign_spawns.load(Relaxed), 2);
}

/// A regression: a job's panic left the core running for ever, on tables that were gone.
#[test]
fn a_panic_in_a_job_gives_the_core_back() {
    let _one = one_at_a_time();
    PANICS.store(true, Relaxed);
    let caught = std::panic::catch_unwind(|| run::<Small>(&config(1_000)).map(|run| run.outcome));
    PANICS.store(false, Relaxed);
    assert!(caught.is_err());
    assert_eq!(
        spawn_report(1).map_err(|refused| refused.reason),
        Err(Reason::NotRunning)
    );
    assert_eq!(run::<Small>(&config(90)).unwrap().console, "0 at 0\n");
}
