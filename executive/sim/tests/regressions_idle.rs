//! One test for each defect of the idle loop that was found, named after it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offsched::abi::telemetry::CoreTelemetry;
use offsched::{Core, ExtU64, IdlePolicy, Image, Memory, Outcome, Port, Setup};
use offsched_sim::{Config, Costs, Event, Inject, SetTask, Step, TaskSet, own_stack};

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

/// A port that would sleep, and counts what it is asked for.
#[derive(Default)]
struct Sleepy {
    time: AtomicU64,
    turns: AtomicU64,
    sleeps: AtomicU64,
}

impl Port for Sleepy {
    fn now(&self) -> u64 {
        self.time.fetch_add(1, Relaxed) + 1
    }
    fn arm(&self, _: u64) {}
    fn relax(&self, until: u64) -> Option<u64> {
        let counter = if until == 0 {
            &self.turns
        } else {
            &self.sleeps
        };
        counter.fetch_add(1, Relaxed);
        None
    }
    fn sleeps(&self) -> bool {
        true
    }
    fn pause(&self) {}
    fn ring(&self, _: u16) {}
    fn console(&self, _: &[u8]) {}
}

/// An app that polls with an idle function never came to its port, which then gave nobody else a turn on a shared CPU, and
/// published nothing.
#[test]
fn an_idle_function_that_polls_leaves_the_port_its_turns() {
    static CORE: Core = Core::new();
    static TURNS: AtomicU64 = AtomicU64::new(0);
    let image = Image {
        name: "polls",
        core: &CORE,
        tasks: &[],
        nodes: &[],
        states: &[],
        channels: &[],
        init: |_| {},
        idle_policy: IdlePolicy::Poll,
        idle: Some(|core| {
            if TURNS.fetch_add(1, Relaxed) + 1 == 100 {
                core.stop();
            }
        }),
        drop: |_| {},
    };
    let (port, core) = (Sleepy::default(), CoreTelemetry::default());
    let setup = Setup {
        port: &port,
        stack: own_stack(),
        hz: 1_000_000_000,
        gap_ns: u64::MAX,
        memory: Memory {
            core: &core,
            tasks: &[],
        },
        channels: &[],
    };
    // SAFETY: the stack is this thread's; there are no tasks.
    let outcome = unsafe { CORE.run(&image, &setup) };
    assert_eq!(outcome, Ok(Outcome::Stopped));
    assert_eq!((port.turns.into_inner(), TURNS.load(Relaxed)), (100, 100));
    assert_eq!(port.sleeps.into_inner(), 0);
}
