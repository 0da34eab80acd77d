//! One test for each thing that a stop lost without a trace, named after it.

use offsched::{ExtU64, Reason};
use offsched_sim::{Config, Run, SetTask, Step, TaskSet};

fn dropped(run: &Run) -> Vec<u64> {
    let tasks = 0..run.tasks.len() as u16;
    tasks.map(|task| run.counters(task).dropped).collect()
}

/// Jobs that were ready, moved back, or waiting for their tick or for their own task, were dropped and not counted.
#[test]
fn jobs_that_a_stop_drops_are_counted() {
    let mut set = TaskSet::default();
    let ready = set.add(SetTask::event("ready", 1, 0).capacity(3));
    let paced = set.add(SetTask::event("paced", 3, 1_000).capacity(3));
    let later = set.add(SetTask::event("later", 3, 0).capacity(3));
    // Under way from 0 us, with three releases behind it when `last` stops the core.
    let slow = SetTask::periodic("slow", 2, 100).capacity(8);
    set.add(slow.does(vec![Step::Work(390_000)]));
    let last = SetTask::periodic("last", 4, 10_000).offset_us(350);
    set.add(last.does(vec![
        Step::Spawn(ready),
        Step::Spawn(ready),
        Step::Spawn(paced),
        Step::Spawn(paced),
        Step::Spawn(paced),
        Step::call(move |body| assert!(body.spawn_at(later, 5_000, 0).is_ok())),
        Step::Stop,
    ]));
    let run = set.run(&Config::new(2_000.micros())).unwrap();
    // The first of `paced` was ready, the others were moved back.
    assert_eq!(dropped(&run), [2, 3, 1, 3, 0], "{}", run.text());
    let slow = run.counters(3);
    assert_eq!((slow.releases, slow.completions), (2, 1));
}

/// A core that comes to its end with nothing to do has dropped nothing.
#[test]
fn what_has_ended_is_not_dropped() {
    let mut set = TaskSet::default();
    let event = set.add(SetTask::event("event", 1, 0).capacity(2));
    let script = vec![Step::Spawn(event), Step::Spawn(event)];
    set.add(SetTask::periodic("task", 2, 100).does(script));
    let run = set.run(&Config::new(950.micros())).unwrap();
    assert_eq!(dropped(&run), [0, 0]);
    assert_eq!(run.counters(event).completions, 20);
}

/// A spawn that a stopping core refuses was not counted.
#[test]
fn spawns_refused_by_a_stopping_core_are_counted() {
    let mut set = TaskSet::default();
    let event = set.add(SetTask::event("event", 1, 0));
    let refused = Step::call(move |body| {
        body.stop();
        let (now, later) = (body.spawn(event, 0), body.spawn_at(event, 5_000, 0));
        assert_eq!(now.map_err(|found| found.reason), Err(Reason::NotRunning));
        assert!(later.is_err_and(|found| found.reason == Reason::NotRunning));
    });
    set.add(SetTask::periodic("last", 2, 100).does(vec![refused]));
    let run = set.run(&Config::new(1_000.micros())).unwrap();
    assert_eq!(run.counters(event).rejected, 2, "{}", run.text());
}
