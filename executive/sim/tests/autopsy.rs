//! Why a job was late: the executive's own account of the worst one.

use offsched::ExtU64;
use offsched::abi::telemetry::{Autopsy, IDLE_TASK, JOB_RECORDS, NO_TASK};
use offsched_sim::{Config, Event, Pattern, Run, SetTask, Step, TaskSet};

fn worst(run: &Run, task: u16) -> Autopsy {
    let words = run.tasks[usize::from(task)].worst.read();
    Autopsy::from_words(words.expect("a job has ended"))
}

fn named(autopsy: &Autopsy) -> Vec<(u16, u64)> {
    autopsy
        .ran
        .iter()
        .copied()
        .filter(|(task, _)| *task != NO_TASK)
        .collect()
}

fn at(offset_ns: u64) -> Pattern {
    Pattern::Periodic {
        period_ns: 1_000_000_000,
        offset_ns,
        jitter_ns: 0,
    }
}

/// The job waited for a section: whose it was is told.
#[test]
fn the_holder_of_the_ceiling_is_named() {
    let mut set = TaskSet::default();
    let resource = set.resource("r", 3);
    let section = |ns| vec![Step::Lock(resource, vec![Step::Work(ns)])];
    let low = set.add(SetTask::periodic("low", 1, 500).does(section(40_000)));
    let top = set.add(
        SetTask::event("top", 3, 0)
            .deadline_us(20)
            .does(section(1_000))
            .arrives(at(10_000)),
    );
    let run = set.run(&Config::new(400.micros())).unwrap();
    let autopsy = worst(&run, top);
    assert_eq!(autopsy.holder, low, "{}", run.text());
    assert_eq!((autopsy.start - autopsy.release, autopsy.gap), (30_000, 0));
    assert_eq!(autopsy.unknown, 0);
    assert_eq!(run.counters(top).misses, 1);
}

/// The job was preempted and kept waiting by more urgent ones: the longest come first, and nobody held a ceiling.
#[test]
fn those_that_ran_meanwhile_are_named_longest_first() {
    let mut set = TaskSet::default();
    let low = set.add(SetTask::periodic("low", 1, 500).does(vec![Step::Work(10_000)]));
    let short = set.add(SetTask::periodic("short", 2, 500).does(vec![Step::Work(5_000)]));
    let long = set.add(
        SetTask::event("long", 3, 0)
            .does(vec![Step::Work(70_000)])
            .arrives(at(8_000)),
    );
    let run = set.run(&Config::new(400.micros())).unwrap();
    let autopsy = worst(&run, low);
    assert_eq!(
        named(&autopsy),
        [(long, 70_000), (short, 5_000)],
        "{}",
        run.text()
    );
    assert_eq!(autopsy.holder, NO_TASK);
    assert_eq!(
        (autopsy.end - autopsy.release, autopsy.unknown),
        (85_000, 0)
    );
}

/// The platform took the core: the gap's part of the wait is told, whoever else ran.
#[test]
fn a_gap_is_told_with_its_length() {
    let mut set = TaskSet::default();
    let task = set.add(SetTask::periodic("task", 1, 100).does(vec![Step::Work(1_000)]));
    let run = set
        .run(&Config::new(350.micros()).at(150_000, Event::Gap(80_000)))
        .unwrap();
    let autopsy = worst(&run, task);
    // Released at 200 us, in a gap from 150 us to 230 us.
    assert_eq!(
        (autopsy.start - autopsy.release, autopsy.gap),
        (30_000, 30_000),
        "{}",
        run.text()
    );
    assert_eq!((autopsy.holder, named(&autopsy)), (NO_TASK, vec![]));
    assert_eq!(autopsy.unknown, 0);
}

/// A better job later does not wipe out the worst one's account.
#[test]
fn the_worst_job_stays() {
    let mut set = TaskSet::default();
    let low = set.add(SetTask::periodic("low", 1, 100).does(vec![Step::Work(1_000)]));
    let once = set.add(
        SetTask::event("once", 2, 0)
            .does(vec![Step::Work(20_000)])
            .arrives(at(100_000)),
    );
    let run = set.run(&Config::new(900.micros())).unwrap();
    assert_eq!(named(&worst(&run, low)), [(once, 20_000)], "{}", run.text());
}

/// A turn of the idle function that held the ceiling was not told from nobody.
#[test]
fn the_idle_function_is_named_as_the_holder() {
    let mut set = TaskSet::default();
    let resource = set.resource("r", 3);
    let top = set.add(
        SetTask::event("top", 3, 0)
            .does(vec![Step::Work(1_000)])
            .arrives(at(10_000)),
    );
    set.idle = vec![Step::Lock(resource, vec![Step::Work(40_000)])];
    let run = set.run(&Config::new(100.micros())).unwrap();
    let autopsy = worst(&run, top);
    assert_eq!(autopsy.holder, IDLE_TASK, "{}", run.text());
    assert_eq!(
        (autopsy.end - autopsy.release, autopsy.unknown),
        (31_000, 0)
    );
}

/// More jobs ran meanwhile than the trace keeps: those lost were left out without a word.
#[test]
fn what_the_trace_has_lost_is_told_as_unknown() {
    let mut set = TaskSet::default();
    let long = set.add(SetTask::periodic("long", 1, 1_000).does(vec![Step::Work(160_000)]));
    let tick = set.add(SetTask::periodic("tick", 2, 1).does(vec![Step::Work(200)]));
    let run = set.run(&Config::new(900.micros())).unwrap();
    let autopsy = worst(&run, long);
    let kept = JOB_RECORDS as u64 * 200;
    assert_eq!(named(&autopsy), [(tick, kept)], "{}", run.text());
    // 200 ticks of 200 ns, of which so many are lost.
    assert_eq!(autopsy.end - autopsy.release, 200_000);
    assert_eq!(autopsy.unknown, 40_000 - kept);
}
