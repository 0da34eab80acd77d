//! One test for each defect of the idle loop that was found, named after it.

use std::sync::atomic::Ordering::Relaxed;

use offsched::ExtU64;
use offsched_sim::{Config, Costs, Event, Inject, SetTask, Step, TaskSet};

fn work(ns: u64) -> Vec<Step> {
    vec![Step::Work(ns)]
}

/// An alarm that went off while it was set for a turn of the idle function was the turn's last: what came later came
/// when the turn was over.
#[test]
fn a_turn_of_the_idle_function_is_never_without_an_alarm() {
    // Setting the alarm takes 3 us, so some of these go off before the turn begins.
    for offset in 1..20 {
        let mut set = TaskSet::default();
        let early = SetTask::periodic("early", 1, 1_000).offset_us(offset);
        set.add(early.does(work(500)));
        let task = set.add(SetTask::periodic("task", 1, 100).does(work(500)));
        set.idle = work(1_000_000);
        let mut config = Config::new(900.micros());
        config.costs = Costs {
            arm: 3_000,
            ..Costs::default()
        };
        let run = set.run(&config).unwrap();
        let late = run.tasks[usize::from(task)].lateness_max.load(Relaxed);
        assert_eq!(run.counters(task).completions, 9, "offset {offset}");
        assert!(late < 10_000, "offset {offset}: {late}\n{}", run.text());
    }
}

/// The idle loop took a job that an interrupt ran beside its look at the clock for a gap.
#[test]
fn a_job_beside_a_look_at_the_clock_is_no_gap() {
    let mut set = TaskSet::default();
    let task = set.add(SetTask::periodic("task", 1, 100).does(work(5_000)));
    let mut config = Config::new(1_000.micros());
    let points = set.run(&config).unwrap().points;
    assert!(points > 20, "{points}");
    for point in 0..points {
        config.inject = Some(Inject {
            point,
            event: Event::Interrupt,
        });
        let run = set.run(&config).unwrap();
        assert_eq!(run.counters(task).completions, 10, "point {point}");
        assert_eq!(
            run.core.gaps.load(Relaxed),
            0,
            "point {point}:\n{}",
            run.text()
        );
    }
}
