//! One test for each defect that these simulations have found in the executive, named after it.

use std::sync::atomic::Ordering::Relaxed;

use offsched::{ExtU64, OnMiss, Outcome};
use offsched_sim::{Config, Costs, Entry, Event, Run, SetTask, Step, TaskSet, What};

/// When a task's jobs started, in cycles since tick 0.
fn starts(run: &Run, task: u16) -> Vec<u64> {
    let started = |entry: &&Entry| entry.task == task && matches!(entry.what, What::Start { .. });
    run.entries
        .iter()
        .filter(started)
        .map(|entry| entry.at)
        .collect()
}

fn work(ns: u64) -> Vec<Step> {
    vec![Step::Work(ns)]
}

/// The alarm's word kept the time of an alarm that had gone off inside a kernel section, so no later one was ever earlier.
#[test]
fn an_alarm_deferred_by_the_kernel_is_set_again() {
    // A look at the clock takes 8 us, so some of these first alarms go off inside the kernel.
    for offset in 1..60 {
        let mut set = TaskSet::default();
        let top = set.add(
            SetTask::periodic("top", 3, 100)
                .offset_us(offset)
                .does(work(100)),
        );
        let note = set.add(SetTask::event("note", 1, 0));
        set.add(SetTask::periodic("low", 1, 1_000).does(vec![
            Step::Work(10_000),
            Step::Spawn(note),
            Step::Work(500_000),
        ]));
        let mut config = Config::new(500.micros());
        config.costs = Costs {
            now: 8_000,
            ..Costs::default()
        };
        let run = set.run(&config).unwrap();
        let late = run.tasks[usize::from(top)].lateness_max.load(Relaxed);
        assert!(
            late < 35_000,
            "offset {offset}: {late} late:\n{}",
            run.text()
        );
        assert!(
            starts(&run, top).len() >= 4,
            "offset {offset}:\n{}",
            run.text()
        );
    }
}

/// An alarm inside a section was set anew for levels above the section's ceiling only; after the section none was set.
#[test]
fn an_alarm_inside_a_section_does_not_forget_levels_below_the_ceiling() {
    let mut set = TaskSet::default();
    let resource = set.resource("r", 2);
    let middle = set.add(
        SetTask::periodic("middle", 2, 1_000)
            .offset_us(500)
            .does(vec![Step::Lock(resource, work(10))]),
    );
    set.add(
        SetTask::periodic("same", 1, 1_000)
            .offset_us(100)
            .does(work(10)),
    );
    set.add(SetTask::periodic("low", 1, 1_000).does(vec![
        Step::Work(10_000),
        Step::Lock(resource, work(200_000)),
        Step::Work(600_000),
    ]));
    let run = set.run(&Config::new(1_000.micros())).unwrap();
    assert_eq!(starts(&run, middle), [500_000], "{}", run.text());
}

/// The same for a job that is put into the wheel inside the section.
#[test]
fn a_spawn_at_inside_a_section_sets_the_alarm() {
    let mut set = TaskSet::default();
    let resource = set.resource("r", 2);
    let middle = set.add(SetTask::event("middle", 2, 0).does(vec![Step::Lock(resource, work(10))]));
    let put = Step::call(move |body| drop(body.spawn_at(middle, 50, 0)));
    set.add(
        SetTask::periodic("low", 1, 1_000)
            .does(vec![Step::Lock(resource, vec![put]), Step::Work(100_000)]),
    );
    let run = set.run(&Config::new(1_000.micros())).unwrap();
    assert_eq!(starts(&run, middle), [50_000], "{}", run.text());
}

/// The alarm that watches a budget came when the budget was used up, not when it was overrun, and so had to come twice.
#[test]
fn an_overrun_takes_one_interrupt() {
    let mut set = TaskSet::default();
    set.add(
        SetTask::periodic("task", 1, 1_000)
            .budget_ns(10_000)
            .does(work(20_000)),
    );
    let run = set.run(&Config::new(900.micros())).unwrap();
    assert_eq!(run.counters(0).overruns, 1);
    assert_eq!(run.core.interrupts.load(Relaxed), 1, "{}", run.text());
}

/// After a step back, the idle core slept to a time on the wrong clock: late by the length of the step.
#[test]
fn a_step_back_does_not_delay_the_releases_after_it() {
    let mut set = TaskSet::default();
    let task = set.add(SetTask::periodic("task", 1, 100).does(work(1_000)));
    let config = Config::new(1_000.micros()).at(250_000, Event::StepBack(200_000));
    let run = set.run(&config).unwrap();
    assert_eq!(run.core.clock_steps_back.load(Relaxed), 1);
    // Real time goes on: ten releases in 1,000 us.
    assert_eq!(starts(&run, task).len(), 10, "{}", run.text());
    assert_eq!(
        run.core.gaps.load(Relaxed),
        0,
        "the step was taken for a gap"
    );
}

/// A step back was seen only between two looks of a polling idle loop: not with an idle function, nor across a job.
#[test]
fn a_step_back_is_seen_whatever_ran_meanwhile() {
    let step = |set: &TaskSet| {
        let config = Config::new(1_000.micros()).at(205_000, Event::StepBack(200_000));
        let run = set.run(&config).unwrap();
        assert_eq!(run.core.clock_steps_back.load(Relaxed), 1, "{}", run.text());
        assert!(run.counters(0).completions >= 9, "{}", run.text());
    };
    let mut set = TaskSet::default();
    set.add(SetTask::periodic("task", 1, 100).does(work(1_000)));
    set.idle = work(1_500);
    step(&set);
    set.idle = Vec::new();
    set.tasks[0].script = work(10_000);
    step(&set);
}

/// A job late under `stop` was counted at the release that found it so, and again at its own end.
#[test]
fn a_miss_that_stops_is_counted_once() {
    let mut set = TaskSet::default();
    let task = set.add(
        SetTask::periodic("task", 1, 100)
            .deadline_us(100)
            .on_miss(OnMiss::Stop)
            .does(work(150_000)),
    );
    set.add(SetTask::periodic("top", 2, 10).does(work(10)));
    let run = set.run(&Config::new(1_000.micros())).unwrap();
    assert_eq!(run.outcome, Outcome::Missed(task));
    assert_eq!(run.counters(task).misses, 1);
    assert_eq!(run.counters(task).completions, 1);
}

/// After an ordinary stop, each release meanwhile counted the same late job once more.
#[test]
fn a_miss_after_a_stop_is_counted_once() {
    let mut set = TaskSet::default();
    let task = set.add(
        SetTask::periodic("task", 2, 10)
            .deadline_us(5)
            .on_miss(OnMiss::Stop)
            .does(vec![Step::Stop, Step::Work(100_000)]),
    );
    set.add(SetTask::periodic("look", 3, 7));
    let run = set.run(&Config::new(500.micros())).unwrap();
    assert_eq!(run.counters(task).misses, 1, "{}", run.text());
}

/// The same for a job below another whose miss was the first.
#[test]
fn a_miss_below_one_that_stops_is_counted_once() {
    let mut set = TaskSet::default();
    let stops = |task: SetTask| task.deadline_us(5).on_miss(OnMiss::Stop);
    let first =
        set.add(stops(SetTask::periodic("first", 2, 1_000).offset_us(1)).does(work(20_000)));
    let below = set.add(stops(SetTask::periodic("below", 1, 10)).does(work(9_000)));
    let run = set.run(&Config::new(500.micros())).unwrap();
    let misses = [first, below].map(|task| run.counters(task).misses);
    assert_eq!(misses, [1, 1], "{}", run.text());
}

/// Two spawns from `init` of a task with a least interval moved its next release to the end of time.
#[test]
fn spawns_from_init_keep_the_least_interval() {
    let mut set = TaskSet::default();
    let task = set.add(SetTask::event("task", 1, 50).capacity(4).does(work(1_000)));
    set.init = vec![
        Step::Spawn(task),
        Step::Work(7_000),
        Step::Spawn(task),
        Step::Spawn(task),
    ];
    let run = set.run(&Config::new(1_000.micros())).unwrap();
    assert_eq!(starts(&run, task), [0, 50_000, 100_000], "{}", run.text());
    // The length of init is nobody's lateness.
    assert_eq!(run.tasks[0].response_max.load(Relaxed), 1_000);
}

/// A `spawn_at` for a time long gone counted as a release at that time, so the next one came too early.
#[test]
fn a_spawn_for_the_past_keeps_the_least_interval() {
    let mut set = TaskSet::default();
    let task = set.add(SetTask::event("task", 2, 50).capacity(4).does(work(1_000)));
    let put = move |tick: u64| Step::call(move |body| drop(body.spawn_at(task, tick, 0)));
    set.add(SetTask::periodic("low", 1, 1_000).offset_us(100).does(vec![
        put(0),
        Step::Work(5_000),
        put(2),
        Step::Work(500),
    ]));
    let run = set.run(&Config::new(1_000.micros())).unwrap();
    assert_eq!(starts(&run, task), [100_000, 150_000], "{}", run.text());
    assert_eq!(run.tasks[0].response_max.load(Relaxed), 1_000);
}

/// What was skipped or refused in an overload depended on whether some other task's alarm let the executive look in time.
#[test]
fn overload_counts_do_not_depend_on_other_tasks() {
    for on_miss in [OnMiss::Count, OnMiss::Skip] {
        let counters = [false, true].map(|looks| {
            let mut set = TaskSet::default();
            let long = move |body: &offsched_sim::Body<'_>| {
                body.work(if body.job() == 0 { 350_000 } else { 1_000 })
            };
            let task = SetTask::periodic("task", 1, 100)
                .deadline_us(100)
                .on_miss(on_miss);
            set.add(task.does(vec![Step::call(long)]));
            if looks {
                set.add(SetTask::periodic("top", 2, 100));
            }
            set.run(&Config::new(1_050.micros())).unwrap().counters(0)
        });
        assert_eq!(counters[0], counters[1], "{on_miss:?}");
    }
}

/// A spawn that was postponed did not tell the idle loop when to look again.
#[test]
fn a_postponed_spawn_is_released_in_time() {
    let mut set = TaskSet::default();
    let task = set.add(SetTask::event("task", 1, 50).capacity(4).does(work(1_000)));
    let config = Config::new(1_000.micros());
    let run = set
        .run(
            &config
                .at(10_000, Event::Spawn(task, 0))
                .at(20_000, Event::Spawn(task, 0)),
        )
        .unwrap();
    assert_eq!(starts(&run, task), [10_000, 60_000], "{}", run.text());
}

/// A release that was due, but that nothing had looked for yet, came after a later spawn of its level, even of its own task.
#[test]
fn a_spawn_does_not_overtake_what_was_due_before() {
    let mut set = TaskSet::default();
    let task = set.add(SetTask::event("task", 1, 50).capacity(4).does(work(1_000)));
    set.add(
        SetTask::periodic("same", 1, 1_000)
            .offset_us(70)
            .does(work(1_000)),
    );
    set.add(SetTask::periodic("top", 2, 1_000).does(work(500_000)));
    let config = [10_000, 20_000, 150_000]
        .into_iter()
        .fold(Config::new(900.micros()), |c, at| {
            c.at(at, Event::Spawn(task, at))
        });
    let run = set.run(&config).unwrap();
    let order = run.entries.iter().filter_map(|entry| match entry.what {
        What::Start { release, .. } if entry.task != 2 => Some(release),
        _ => None,
    });
    let order = order.collect::<Vec<_>>();
    assert_eq!(order, [10_000, 60_000, 70_000, 150_000], "{}", run.text());
}

/// A `spawn_at` for the past was released at once without a look at what else was due, and so came before that.
#[test]
fn a_spawn_for_the_past_does_not_overtake_what_was_due_before() {
    let mut set = TaskSet::default();
    let before = set.add(SetTask::event("before", 2, 0).does(work(1_000)));
    let after = set.add(SetTask::event("after", 2, 0).does(work(1_000)));
    let put = move |task, tick| Step::call(move |body| drop(body.spawn_at(task, tick, 0)));
    set.add(SetTask::periodic("top", 3, 1_000).does(vec![
        put(before, 50),
        Step::Work(100_000),
        put(after, 0),
    ]));
    let run = set.run(&Config::new(500.micros())).unwrap();
    assert_eq!(
        (starts(&run, before), starts(&run, after)),
        (vec![100_000], vec![101_000]),
        "{}",
        run.text()
    );
}

/// At the end of a job, one that was ready came before a more urgent one that was due and had not been looked for.
#[test]
fn what_is_due_at_the_end_of_a_job_counts_for_the_next() {
    let mut set = TaskSet::default();
    set.add(SetTask::periodic("low", 1, 1_000).does(work(10_000)));
    set.add(
        SetTask::periodic("middle", 2, 1_000)
            .offset_us(50)
            .does(work(10_000)),
    );
    set.add(SetTask::periodic("top", 3, 1_000).does(work(100_000)));
    let run = set.run(&Config::new(900.micros())).unwrap();
    assert_eq!(
        (starts(&run, 1), starts(&run, 0)),
        (vec![100_000], vec![110_000]),
        "{}",
        run.text()
    );
}

/// A release whose alarm came after a stop started a job nevertheless.
#[test]
fn no_release_starts_a_job_after_a_stop() {
    let mut set = TaskSet::default();
    set.add(SetTask::periodic("low", 1, 1_000).does(vec![
        Step::Work(50_000),
        Step::Stop,
        Step::Work(100_000),
    ]));
    let top = set.add(
        SetTask::periodic("top", 2, 1_000)
            .offset_us(100)
            .does(work(1_000)),
    );
    let run = set.run(&Config::new(900.micros())).unwrap();
    assert_eq!(starts(&run, top), [], "{}", run.text());
    assert_eq!(run.counters(0).completions, 1);
}
