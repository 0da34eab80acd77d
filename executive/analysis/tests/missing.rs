//! Sets in which something is not declared: what is declared is held against the deadlines all the same.

mod common;

use common::Random;
use offsched_analysis::{NoBound, Source, Task, TaskReport, TaskSet, Verdict};

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

fn analysed(tasks: &[Task], name: &str) -> TaskReport {
    set(tasks).analyse().task(name).unwrap().clone()
}

fn at_least_us(tasks: &[Task], name: &str) -> Option<u128> {
    let known = analysed(tasks, name).at_least;
    known.map(|known| known.expect("no overload") / 1000)
}

/// The found case: 130% of the core was accepted beside a task of which nothing is known.
#[test]
fn one_bare_task_hides_no_overload() {
    let hog = task("hog", 2, 100, 90);
    let late = task("late", 1, 100, 40).deadline_us(50);
    let no_interval = Task::new("bare", 3).budget_ns(1_000);
    for bare in [Task::new("bare", 3), no_interval, Task::new("bare", 1)] {
        let report = set(&[bare, hog.clone(), late.clone()]).analyse();
        assert!(!report.is_schedulable());
        let late = report.task("late").unwrap();
        assert_eq!(late.verdict, Verdict::Misses);
        let overload = Err(NoBound::Overload { percent: 130 });
        assert_eq!(late.at_least, Some(overload));
        let largest = late.largest.clone().unwrap();
        assert_eq!(largest.source, Source::Task("hog".into()));
    }
}

#[test]
fn without_an_overload_the_lower_bound_decides() {
    let bare = Task::new("bare", 3);
    let late = |deadline_us| {
        let late = task("late", 1, 200, 40).deadline_us(deadline_us);
        analysed(&[bare.clone(), task("hog", 2, 100, 70), late], "late")
    };
    // w = 40 + ceil(w/100)*70: 110, 180, 180.
    assert_eq!(late(180).at_least, Some(Ok(180_000)));
    assert_eq!(late(180).verdict, Verdict::Unknown);
    assert_eq!(late(179).verdict, Verdict::Misses);
    let why = NoBound::NoBudget {
        task: "bare".into(),
    };
    assert_eq!(late(179).bound, Err(why));
}

#[test]
fn what_is_not_declared_counts_as_nothing() {
    let low = task("low", 1, 1_000, 40);
    let urgent = |urgent: Task| at_least_us(&[urgent, low.clone()], "low");
    assert_eq!(urgent(Task::new("urgent", 2)), Some(40));
    assert_eq!(urgent(Task::new("urgent", 2).every_us(10)), Some(40));
    assert_eq!(urgent(Task::new("urgent", 2).budget_ns(90_000)), Some(40));
    assert_eq!(urgent(task("urgent", 2, 100, 5)), None);

    // Its own: without a budget what delays it; without an interval one job of it.
    let hog = task("hog", 2, 100, 30);
    let own = |own: Task| at_least_us(&[hog.clone(), own], "own");
    assert_eq!(own(Task::new("own", 1).every_us(50)), Some(30));
    assert_eq!(own(Task::new("own", 1).budget_ns(80_000)), Some(140));
}

#[test]
fn the_overhead_of_jobs_without_a_budget_is_known() {
    let mut set = set(&[Task::new("tick", 2).every_us(1), task("low", 1, 100, 50)]);
    set.overhead_ns = 600;
    // 0.6 us in every one, and 50.6 us in a hundred.
    let low = set.analyse().task("low").unwrap().clone();
    assert_eq!(low.at_least, Some(Err(NoBound::Overload { percent: 111 })));
    assert_eq!(low.verdict, Verdict::Misses);
}

/// A hold that is not declared may be shorter than the budget that stands in for it.
#[test]
fn only_declared_holds_block_in_a_lower_bound() {
    let top = task("top", 2, 100, 10).locks("r", None).locks("s", None);
    let low = task("low", 1, 400, 40).locks("r", None);
    let tasks = |low: Task| [Task::new("bare", 2), top.clone(), low];
    assert_eq!(at_least_us(&tasks(low.clone()), "top"), Some(10));
    let low = low.locks("s", Some(25_000));
    assert_eq!(at_least_us(&tasks(low.clone()), "top"), Some(35));
    let top = analysed(&tasks(low), "top");
    // Known all the same, from the budget: what blocks at most.
    assert_eq!(top.blocking.unwrap().ns, 40_000);

    // A hold of no known length, by name, beside one that is known.
    let idle = Task::new("idle", 0).locks("r", None);
    let low = Task::new("low", 1).locks("s", Some(95_000));
    let late = task("late", 2, 100, 10).locks("r", None).locks("s", None);
    let late = analysed(&[idle, low, late], "late");
    assert!(matches!(late.bound, Err(NoBound::NoHold { .. })));
    assert_eq!(late.at_least, Some(Ok(105_000)));
    assert_eq!(late.verdict, Verdict::Misses);
}

/// Jobs of a level run in the order of their releases: what comes later delays nobody who is there.
#[test]
fn of_the_same_level_only_earlier_jobs_count() {
    let twin = task("twin", 1, 50, 10);
    let slow = task("slow", 1, 400, 60);
    let bare = Task::new("bare", 2);
    assert_eq!(
        at_least_us(&[bare, twin.clone(), slow.clone()], "slow"),
        Some(70)
    );
    // The upper bound counts the later one too.
    assert_eq!(analysed(&[twin, slow], "slow").bound, Ok(80_000));
}

#[test]
fn the_table_says_what_is_known_of_a_miss() {
    let tasks = [
        Task::new("bare", 3),
        task("hog", 2, 100, 90).deadline_us(80),
        task("late", 1, 100, 40),
    ];
    let expected = "\
task  level  every  jitter  deadline  budget  blocking  bound  verdict
bare      3      -       -         -       -         -      -  no deadline
hog       2  100us       -      80us    90us         -      -  MISSES
late      1  100us       -     100us    40us         -      -  MISSES
bare: no bound, because `bare` declares no budget
hog: no bound, because `bare` declares no budget
hog: what is declared takes at least 90us
hog: the largest contributor is its own jobs with 90us
late: no bound, because `bare` declares no budget
late: of what is declared alone, the tasks at and above its level ask for 130% of the core
late: the largest contributor is `hog` with 90us
the executive's own time is not counted: `overhead = 200ns` on the app adds it to each job
";
    assert_eq!(set(&tasks).analyse().to_string(), expected);
}

/// A set with everything declared: shared levels, jitter, holds, deadlines around the bounds, at times an overload.
fn random_set(random: &mut Random) -> TaskSet {
    let mut set = TaskSet::new(random.within(0, 1) * 300);
    for i in 0..random.within(2, 6) {
        let period = random.within(20, 400);
        let budget = random.within(1, period * 1000 / 2);
        let mut task = Task::new(format!("t{i}"), random.within(1, 4) as u8)
            .every_us(period)
            .deadline_us(random.within(period / 4 + 1, period * 2))
            .budget_ns(budget);
        if random.within(0, 3) == 0 {
            task = task.jitter_us(random.within(0, period * 2));
        }
        for resource in ["r", "s"] {
            if random.within(0, 2) == 0 {
                task = task.locks(resource, Some(random.within(1, budget)));
            }
        }
        set.tasks.push(task);
    }
    set
}

/// Takes some declarations away.
fn incomplete(set: &TaskSet, random: &mut Random) -> TaskSet {
    let mut set = set.clone();
    for _ in 0..random.within(1, 3) {
        let at = random.within(0, set.tasks.len() as u64 - 1) as usize;
        let task = &mut set.tasks[at];
        match random.within(0, 2) {
            0 => task.budget_ns = None,
            1 => task.interval_us = None,
            _ => task.holds.iter_mut().for_each(|hold| hold.ns = None),
        }
    }
    set
}

#[test]
fn a_missing_declaration_never_makes_a_miss() {
    let mut random = Random(130);
    let (mut known, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let whole = random_set(&mut random);
        let part = incomplete(&whole, &mut random).analyse();
        for (whole, part) in whole.analyse().tasks.iter().zip(&part.tasks) {
            let text = format!("{whole:?}\n{part:?}");
            assert_eq!(whole.at_least, None, "{text}");
            let deadline_ns = u128::from(whole.task.deadline_us.unwrap()) * 1000;
            let meets = matches!(whole.bound, Ok(ns) if ns <= deadline_ns);
            assert_eq!(whole.verdict == Verdict::Meets, meets, "{text}");
            let Some(at_least) = &part.at_least else {
                continue;
            };
            known += 1;
            refused += usize::from(part.verdict == Verdict::Misses);
            assert!(part.verdict != Verdict::Misses || !meets, "{text}");
            assert_ne!(part.verdict, Verdict::Meets, "{text}");
            if let Ok(bound) = whole.bound {
                assert!(matches!(at_least, Ok(ns) if *ns <= bound), "{text}");
            }
        }
    }
    assert!(known > 10_000 && refused > 1_000, "{known} {refused}");
}

/// Draws the schedule of these tasks, (level, period, cost) in ticks, all released at 0, of one level in the order of
/// their releases and then of the list: the longest response of the last task while its level is busy.
fn drawn(tasks: &[(u8, u64, u64)]) -> u64 {
    let last = tasks.len() - 1;
    let (mut queue, mut longest) = (Vec::new(), 0);
    for now in 0u64.. {
        for (task, (level, period, cost)) in tasks.iter().enumerate() {
            if now.is_multiple_of(*period) {
                queue.push((*level, now, task, *cost));
            }
        }
        // The most urgent, and of those the first: the queue is in the order of releases.
        let next = (0..queue.len()).max_by_key(|&at| (queue[at].0, std::cmp::Reverse(at)));
        let Some(next) = next else { break };
        queue[next].3 -= 1;
        let (_, release, task, left) = queue[next];
        if left == 0 {
            queue.remove(next);
            if task == last {
                longest = longest.max(now + 1 - release);
            }
        }
    }
    longest
}

/// A lower bound has to be reached, also if what is not declared is never released.
#[test]
fn a_schedule_reaches_the_lower_bound() {
    let mut random = Random(2027);
    let mut compared = 0;
    while compared < 2_000 {
        let count = random.within(1, 5);
        let tasks: Vec<(u8, u64, u64)> = (0..count)
            .map(|i| {
                let period = random.within(2, 40);
                let level = if i + 1 < count {
                    random.within(1, 3)
                } else {
                    1
                };
                (level as u8, period, random.within(1, period.div_ceil(2)))
            })
            .collect();
        let share: f64 = tasks.iter().map(|(_, t, c)| *c as f64 / *t as f64).sum();
        if share > 0.999 {
            continue;
        }
        let mut declared = set(&[Task::new("bare", 4)]);
        for (i, (level, period, cost)) in tasks.iter().enumerate() {
            let task = task(&format!("t{i}"), *level, *period, *cost);
            declared.tasks.push(task);
        }
        let report = declared.analyse();
        let at_least = report.tasks.last().unwrap().at_least.clone().unwrap();
        let drawn = u128::from(drawn(&tasks)) * 1000;
        assert!(
            at_least.clone().unwrap() <= drawn,
            "{at_least:?} {drawn} {tasks:?}"
        );
        compared += 1;
    }
}
