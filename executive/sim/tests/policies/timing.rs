//! Budgets, preemption, blocking, and who is charged for what.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use offsched::ExtU64;
use offsched_sim::{Config, Pattern, SetTask, Step, TaskSet};

use super::common::{check, timeline::Timeline};
use super::{assert_in_order, starts, work};

#[test]
fn an_overrun_is_seen_when_it_happens_or_at_the_end() {
    for watch_min in [0, 1_000_000] {
        let mut set = TaskSet::default();
        let seen = Arc::new(Mutex::new(None));
        let task = SetTask::periodic("task", 1, 1_000).budget_ns(10_000);
        set.add(task.does(vec![
            Step::Work(9_000),
            Step::Work(2_000),
            Step::Work(50_000),
        ]));
        // The executive has counted it by the time that a more urgent job looks.
        let look = seen.clone();
        set.add(
            SetTask::periodic("top", 2, 1_000)
                .offset_us(20)
                .does(vec![Step::call(move |body| {
                    *look.lock().unwrap() = Some(body.now());
                })]),
        );
        let mut config = Config::new(900.micros());
        config.watch_min = watch_min;
        let run = set.run(&config).unwrap();
        assert_eq!(run.counters(0).overruns, 1);
        assert_eq!(*seen.lock().unwrap(), Some(20_000));
        let interrupts = run.core.interrupts.load(Relaxed);
        assert_eq!(
            interrupts,
            if watch_min == 0 { 2 } else { 1 },
            "the alarm for top, and the one for the budget"
        );
        assert_in_order(&set, &run);
    }
}

#[test]
fn time_under_preemption_is_not_charged() {
    let mut set = TaskSet::default();
    set.add(
        SetTask::periodic("low", 1, 1_000)
            .budget_ns(50_000)
            .does(work(50_000)),
    );
    set.add(
        SetTask::periodic("middle", 2, 30)
            .offset_us(10)
            .budget_ns(10_000)
            .does(work(10_000)),
    );
    set.add(
        SetTask::periodic("top", 3, 15)
            .offset_us(12)
            .budget_ns(3_000)
            .does(work(3_000)),
    );
    let run = set.run(&Config::new(900.micros())).unwrap();
    assert!(
        (0..3).all(|task| run.counters(task).overruns == 0),
        "{}",
        run.text()
    );
    assert_in_order(&set, &run);
}

#[test]
fn the_highest_blocked_job_comes_within_a_cycle_of_its_bound() {
    let mut set = TaskSet::default();
    let resource = set.resource("r", 3);
    let lock = |ns| vec![Step::Lock(resource, work(ns))];
    set.add(SetTask::periodic("low", 1, 1_000).does(lock(40_000)));
    // Comes one cycle after the section has begun.
    let pattern = Pattern::Periodic {
        period_ns: 1_000_000,
        offset_ns: 1,
        jitter_ns: 0,
    };
    let top = set.add(
        SetTask::event("top", 3, 1_000)
            .does(lock(5_000))
            .arrives(pattern),
    );
    let run = set.run(&Config::new(900.micros())).unwrap();
    let mut known = offsched_analysis::TaskSet::new(0);
    known.tasks.push(
        offsched_analysis::Task::new("low", 1)
            .every_us(1_000)
            .budget_ns(40_000)
            .locks("r", Some(40_000)),
    );
    known.tasks.push(
        offsched_analysis::Task::new("top", 3)
            .every_us(1_000)
            .budget_ns(5_000)
            .locks("r", Some(5_000)),
    );
    let bound = known.analyse().task("top").unwrap().bound_ns().unwrap();
    let most = run.tasks[usize::from(top)].response_max.load(Relaxed);
    assert_eq!(u128::from(most) + 1, bound, "{}", run.text());
}

#[test]
fn an_idle_function_is_preempted_also_after_its_section() {
    let mut set = TaskSet::default();
    let resource = set.resource("r", 1);
    set.add(
        SetTask::periodic("low", 1, 100)
            .offset_us(5)
            .does(vec![Step::Lock(resource, work(1_000))]),
    );
    set.add(
        SetTask::periodic("top", 2, 100)
            .offset_us(30)
            .does(work(1_000)),
    );
    set.idle = vec![Step::Lock(resource, work(20_000)), Step::Work(60_000)];
    let run = set.run(&Config::new(950.micros())).unwrap();
    assert!(run.violations.is_empty(), "{:?}", run.violations);
    assert_eq!(
        starts(&run, 1)[..3],
        [30_000, 130_000, 230_000],
        "{}",
        run.text()
    );
    assert!(
        run.tasks[0].lateness_max.load(Relaxed) <= 20_000,
        "{}",
        run.text()
    );
}

#[test]
fn unmeasured_tasks_are_scheduled_and_counted_alike() {
    let mut set = TaskSet::default();
    for (name, level, period) in [("low", 1, 100), ("middle", 2, 40), ("top", 3, 30)] {
        let mut task = SetTask::periodic(name, level, period).does(work(5_000));
        task.measure = false;
        set.add(task);
    }
    let run = set.run(&Config::new(1_190.micros())).unwrap();
    let line = Timeline::of(&run, &set);
    assert!(
        check::stack_and_blocking(&set, &run, &line).is_empty(),
        "{}",
        run.text()
    );
    assert_eq!(
        [0, 1, 2].map(|task| run.counters(task).completions),
        [12, 30, 40]
    );
    assert_eq!(run.tasks[2].response_max.load(Relaxed), 0);
}
