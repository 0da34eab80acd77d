//! One test for each rule of the model, on sets small enough to check by hand.

use offsched_analysis::{Contributor, NoBound, Source, Task, TaskSet, Time, Verdict};

/// A task in whole microseconds, with the deadline at its period.
fn task(name: &str, level: u8, period_us: u64, budget_us: u64) -> Task {
    Task::new(name, level)
        .every_us(period_us)
        .deadline_us(period_us)
        .budget_ns(budget_us * 1000)
}

fn set(tasks: &[Task]) -> TaskSet {
    TaskSet {
        overhead_ns: 0,
        tasks: tasks.to_vec(),
    }
}

fn bound_us(set: &TaskSet, name: &str) -> Option<u128> {
    let report = set.analyse();
    report.task(name).unwrap().bound_ns().map(|ns| ns / 1000)
}

#[test]
fn more_than_the_core_is_unschedulable_and_says_so() {
    let set = set(&[task("fast", 2, 100, 75), task("slow", 1, 200, 60)]);
    let report = set.analyse();
    assert_eq!(report.task("fast").unwrap().verdict, Verdict::Meets);
    let slow = report.task("slow").unwrap();
    assert_eq!(slow.bound, Err(NoBound::Overload { percent: 105 }));
    assert_eq!(slow.verdict, Verdict::Misses);
    let largest = slow.largest.clone().unwrap();
    assert_eq!(largest.source, Source::Task("fast".into()));
    assert_eq!(largest.ns, 150_000);
}

#[test]
fn the_same_level_interferes_both_ways() {
    let set = set(&[task("a", 1, 100, 10), task("b", 1, 100, 20)]);
    assert_eq!(bound_us(&set, "a"), Some(30));
    assert_eq!(bound_us(&set, "b"), Some(30));
}

#[test]
fn jitter_of_others_brings_releases_together() {
    let urgent = task("urgent", 2, 100, 10);
    let late = task("late", 1, 200, 85);
    // w = 85 + ceil(w/100)*10 = 95; with 10 us of jitter ceil((10+95)/100) = 2: w = 105.
    assert_eq!(
        bound_us(&set(&[urgent.clone(), late.clone()]), "late"),
        Some(95)
    );
    let set = set(&[urgent.jitter_us(10), late]);
    assert_eq!(bound_us(&set, "late"), Some(105));
}

#[test]
fn own_jitter_counts_from_the_nominal_release() {
    let set = set(&[task("a", 1, 100, 10).jitter_us(7)]);
    assert_eq!(bound_us(&set, "a"), Some(17));
}

#[test]
fn own_jitter_can_make_a_second_job_the_worst() {
    // Jobs 0 and 1 may be ready together: 95 + 60, and 95 + 120 - 100.
    let set = set(&[task("a", 1, 100, 60).jitter_us(95)]);
    assert_eq!(bound_us(&set, "a"), Some(155));
    let report = set.analyse();
    assert_eq!(
        report.task("a").unwrap().largest,
        Some(Contributor {
            source: Source::Jitter,
            ns: 95_000
        })
    );
}

#[test]
fn blocking_is_the_longest_hold_below_and_counts_once() {
    let set = set(&[
        task("top", 3, 100, 10).locks("r", None),
        task("mid", 2, 200, 20),
        task("low", 1, 400, 40)
            .locks("r", Some(15_000))
            .locks("s", Some(30_000)),
    ]);
    let report = set.analyse();
    assert_eq!(report.ceiling("r"), Some(3));
    assert_eq!(report.ceiling("s"), Some(1));
    let mid = report.task("mid").unwrap();
    let blocking = mid.blocking.as_ref().unwrap();
    assert_eq!(
        (blocking.ns, &*blocking.by, &*blocking.resource),
        (15_000, "low", "r")
    );
    assert_eq!(mid.bound, Ok(45_000));
    assert_eq!(report.task("top").unwrap().bound, Ok(25_000));
    assert_eq!(report.task("low").unwrap().blocking, None);
}

#[test]
fn without_a_hold_the_whole_budget_blocks() {
    let set = set(&[
        task("top", 2, 100, 10).locks("r", None),
        task("low", 1, 400, 40).locks("r", None),
    ]);
    assert_eq!(bound_us(&set, "top"), Some(50));
}

#[test]
fn idle_blocks_and_is_not_listed() {
    let top = task("top", 2, 100, 10).locks("r", None);
    let idle = Task::new("idle", 0);
    let report = set(&[top.clone(), idle.clone().locks("r", Some(3_000))]).analyse();
    assert_eq!(report.task("top").unwrap().bound, Ok(13_000));
    assert!(report.task("idle").is_none());

    let report = set(&[top, idle.locks("r", None)]).analyse();
    let why = NoBound::NoHold {
        task: "idle".into(),
        resource: "r".into(),
    };
    assert_eq!(report.task("top").unwrap().bound, Err(why));
    assert_eq!(report.task("top").unwrap().verdict, Verdict::Unknown);
}

#[test]
fn overhead_counts_for_every_job() {
    let mut set = set(&[task("a", 2, 50, 10), task("b", 1, 100, 20)]);
    assert_eq!(bound_us(&set, "b"), Some(30));
    set.overhead_ns = 1_000;
    assert_eq!(bound_us(&set, "b"), Some(32));
    set.overhead_ns = 10_000;
    // w = 30 + ceil(w/50)*20: 50, 50.
    assert_eq!(bound_us(&set, "b"), Some(50));
}

#[test]
fn a_missing_declaration_is_named_at_and_below_its_level() {
    let set = set(&[
        task("top", 4, 100, 10),
        Task::new("free", 3).every_us(100),
        Task::new("burst", 2).budget_ns(1_000),
        task("low", 1, 400, 40),
    ]);
    let report = set.analyse();
    assert_eq!(report.task("top").unwrap().bound, Ok(10_000));
    for name in ["free", "burst", "low"] {
        let why = report.task(name).unwrap().bound.clone().unwrap_err();
        let expected = match name {
            "burst" => NoBound::NoInterval {
                task: "burst".into(),
            },
            _ => NoBound::NoBudget {
                task: "free".into(),
            },
        };
        assert_eq!(why, expected, "{name}");
    }
    assert_eq!(report.task("low").unwrap().verdict, Verdict::Unknown);
    assert!(report.is_schedulable());
}

#[test]
fn adversarial_values_end_without_overflow() {
    let huge = |level| {
        Task::new("huge", level)
            .every_us(u64::MAX)
            .jitter_us(u64::MAX)
            .deadline_us(u64::MAX)
            .budget_ns(u64::MAX)
            .locks("r", Some(u64::MAX))
    };
    let mut all = set(&[huge(3), huge(2), huge(1), task("tiny", 1, 1, 0)]);
    all.overhead_ns = u64::MAX;
    assert!(!all.analyse().is_schedulable());

    // Full utilisation plus blocking: the busy period never ends, the analysis does.
    let endless = set(&[
        task("a", 2, 3, 1),
        task("b", 2, 3, 2).locks("r", None),
        task("c", 1, 1_000_000, 0).locks("r", Some(1)),
    ]);
    let report = endless.analyse();
    let bound = &report.task("b").unwrap().bound;
    assert!(matches!(bound, Err(NoBound::GaveUp { .. })), "{bound:?}");
    assert_eq!(report.task("b").unwrap().verdict, Verdict::Misses);

    // A task that costs nothing, with a jitter of ages: its jobs are many, the steps are not.
    let jittery = set(&[task("a", 1, 1, 0).jitter_us(u64::MAX)]);
    assert_eq!(jittery.analyse().misses().count(), 1);

    // An interval of zero bounds nothing; a budget of zero costs nothing.
    let zero = set(&[task("a", 1, 0, 1), task("b", 2, 10, 0)]);
    assert_eq!(bound_us(&zero, "a"), None);
    assert_eq!(bound_us(&zero, "b"), Some(0));
}

#[test]
fn times_read_well() {
    let show = |ns| Time(ns).to_string();
    assert_eq!(show(0), "0ns");
    assert_eq!(show(999), "999ns");
    assert_eq!(show(12_400), "12.4us");
    assert_eq!(show(1_000_001), "1.000001ms");
    assert_eq!(show(80_000), "80us");
    assert_eq!(show(2_500_000_000), "2.5s");
}

#[test]
fn the_table_names_blockers_and_reasons() {
    let set = set(&[
        task("control", 3, 100, 60).locks("state", None),
        task("report", 2, 200, 90),
        Task::new("event", 1).locks("state", Some(2_500)),
    ]);
    let expected = "\
task     level  every  jitter  deadline  budget  blocking   bound  verdict
control      3  100us       -     100us    60us     2.5us  62.5us  meets
report       2  200us       -     200us    90us     2.5us       -  MISSES
event        1      -       -         -       -         -       -  no deadline
control: blocked by `event`, which holds `state`
report: blocked by `event`, which holds `state`
report: no bound, because the tasks at and above its level ask for 105% of the core
report: the largest contributor is `control` with 120us
event: no bound, because `event` declares no budget
the executive's own time is not counted: `overhead = 200ns` on the app adds it to each job
";
    assert_eq!(set.analyse().to_string(), expected);
    // With an overhead, it is.
    let charged = TaskSet {
        overhead_ns: 1,
        ..set
    };
    assert!(!charged.analyse().to_string().contains("not counted"));
}
