//! Gaps, jumps and steps of the clock.

use std::sync::atomic::Ordering::Relaxed;

use offsched::{ExtU64, OnMiss};
use offsched_sim::{Config, Costs, Event, SetTask, Step, TaskSet};

use super::common::{check, timeline::Timeline};
use super::{starts, work};

#[test]
fn a_gap_is_counted_and_the_phase_is_kept() {
    for (on_miss, expected, rejected, skipped) in [
        // The release at the gap's beginning runs late, then what waits, then the phase goes on.
        (
            OnMiss::Count,
            vec![0, 551_000, 552_000, 600_000, 700_000],
            3,
            0,
        ),
        (OnMiss::Skip, vec![0, 551_000, 600_000, 700_000], 0, 4),
    ] {
        let mut set = TaskSet::default();
        set.add(
            SetTask::periodic("task", 1, 100)
                .deadline_us(100)
                .on_miss(on_miss)
                .does(work(1_000)),
        );
        let run = set
            .run(&Config::new(750.micros()).at(51_000, Event::Gap(500_000)))
            .unwrap();
        assert_eq!(starts(&run, 0), expected, "{}", run.text());
        let counted = run.counters(0);
        assert_eq!(
            (counted.rejected, counted.skipped),
            (rejected, skipped),
            "{on_miss:?}"
        );
        assert_eq!(run.core.gaps.load(Relaxed), 1);
        assert_eq!(run.core.gap_total.load(Relaxed), 500_000);
        // Both late jobs waited in the gap.
        assert_eq!(run.tasks[0].lateness_max_outside_gaps.load(Relaxed), 0);
    }
}

#[test]
fn a_jump_of_an_hour_is_bounded_work() {
    let mut set = TaskSet::default();
    set.add(SetTask::periodic("task", 1, 1).does(work(100)));
    set.add(SetTask::event("event", 2, 10).capacity(8).does(work(100)));
    set.init = vec![Step::Spawn(1), Step::Spawn(1), Step::Spawn(1)];
    let hour_ns = 3_600_000_000_000;
    let config = Config::new((3_600_000_000 + 100).micros()).at(5_500, Event::Gap(hour_ns));
    let run = set.run(&config).unwrap();
    assert_eq!(run.core.gaps.load(Relaxed), 1);
    let counted = run.counters(0);
    assert_eq!(counted.completions + counted.rejected, 3_600_000_100);
    // About a hundred jobs before and after, and a handful of calls for each.
    assert!(run.points < 1_000, "{} calls into the port", run.points);
    assert_eq!(run.counters(1).completions, 3);
}

#[test]
fn steps_back_are_counted_and_nothing_hangs() {
    for at in (1_000..400_000).step_by(7_013) {
        for step in [1_000, 50_000, 3_600_000_000_000] {
            let mut set = TaskSet::default();
            set.add(SetTask::periodic("task", 1, 100).does(work(30_000)));
            set.add(SetTask::periodic("top", 2, 70).does(work(5_000)));
            let mut config = Config::new(2_000.micros()).at(at, Event::StepBack(step));
            config.start = 10_000_000_000_000;
            let run = set.run(&config).unwrap();
            let line = Timeline::of(&run, &set);
            assert!(line.wrong.is_empty(), "{:?}", line.wrong);
            // The part of the step that time has made good by the next look goes unnoticed, but never a large one.
            let counted = run.core.clock_steps_back.load(Relaxed);
            assert!(
                counted == 1 || step <= 50_000,
                "step of {step} at {at}: {counted} counted"
            );
            let late = 2_000_000 - step.min(400_000) - 200_000;
            assert!(
                run.counters(0).completions >= late / 100_000,
                "step of {step} at {at}\n{}",
                run.text()
            );
        }
    }
}

#[test]
fn the_clock_need_not_tick_at_a_round_rate() {
    for hz in [1_000_000, 2_596_123_457, 100_000_000_000] {
        let mut set = TaskSet::default();
        set.add(SetTask::periodic("low", 1, 100).does(work(50_000)));
        set.add(SetTask::periodic("top", 2, 30).does(work(6_000)));
        let mut config = Config::new(2_995.micros());
        config.hz = hz;
        let run = set.run(&config).unwrap();
        let line = Timeline::of(&run, &set);
        assert!(
            check::stack_and_blocking(&set, &run, &line).is_empty(),
            "{hz}:\n{}",
            run.text()
        );
        assert_eq!(
            [0, 1].map(|task| run.counters(task).completions),
            [30, 100],
            "{hz}"
        );
        assert_eq!(run.tasks[1].lateness_max.load(Relaxed), 0, "{hz}");
    }
}

#[test]
fn costs_make_the_dispatcher_visible() {
    let mut set = TaskSet::default();
    set.add(SetTask::periodic("low", 1, 100).does(work(50_000)));
    set.add(
        SetTask::periodic("top", 2, 30)
            .offset_us(10)
            .does(work(6_000)),
    );
    let mut config = Config::new(995.micros());
    config.costs = Costs {
        now: 20,
        arm: 100,
        interrupt: 300,
        ..Costs::default()
    };
    let run = set.run(&config).unwrap();
    let line = Timeline::of(&run, &set);
    assert!(line.wrong.is_empty(), "{:?}", line.wrong);
    let late = run.tasks[1].lateness_max.load(Relaxed);
    assert!((300..1_500).contains(&late), "{late}");
    assert_eq!(
        run.text(),
        set.run(&config).unwrap().text(),
        "two runs differ"
    );
}
