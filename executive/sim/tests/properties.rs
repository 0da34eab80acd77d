//! Properties of random task sets in virtual time.
//!
//! `OFFSCHED_SETS` sets how many sets are tried; `OFFSCHED_SEED` where they begin.

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use common::check;
use common::generate::{Size, case};
use common::timeline::Timeline;

fn from_env(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |text| text.parse().expect("a number"))
}

/// How close the runs came to the bounds, over all sets.
#[derive(Default)]
struct Tightness {
    sets: AtomicU64,
    jobs: AtomicU64,
    bounded: AtomicU64,
    blocked: AtomicU64,
    preempted: AtomicU64,
    postponed: AtomicU64,
    /// Sets in which all tasks start together, and those of them where a task reached its bound to the cycle.
    critical: AtomicU64,
    critical_reached: AtomicU64,
    /// The same for the task with the largest bound.
    critical_lowest: AtomicU64,
}

/// What is wrong with the set of this seed and size.
fn try_set(seed: u64, size: Size, tightness: &Tightness) -> Vec<String> {
    let case = case(seed, size);
    let run = match case.set.run(&case.config) {
        Ok(run) => run,
        Err(why) => return vec![format!("did not start: {why}")],
    };
    let wrong = check::all(&case, &run);
    let line = Timeline::of(&run, &case.set);
    let add = |counter: &AtomicU64, n: u64| counter.fetch_add(n, Relaxed);
    add(&tightness.sets, 1);
    add(&tightness.jobs, line.jobs.len() as u64);
    add(
        &tightness.bounded,
        case.bounds.iter().flatten().count() as u64,
    );
    add(
        &tightness.blocked,
        line.jobs
            .iter()
            .filter(|job| blocked(&case.set, &line, job))
            .count() as u64,
    );
    add(
        &tightness.preempted,
        line.jobs
            .iter()
            .filter(|job| job.end - job.start > job.own)
            .count() as u64,
    );
    add(
        &tightness.postponed,
        run.tasks
            .iter()
            .map(|task| task.postponed.load(Relaxed))
            .sum(),
    );
    if case.critical {
        let most = |task: usize| run.tasks[task].response_max.load(Relaxed);
        let reached = |task: usize| case.bounds[task] == Some(most(task));
        let lowest = (0..case.bounds.len()).max_by_key(|task| case.bounds[*task]);
        add(&tightness.critical, 1);
        add(
            &tightness.critical_reached,
            u64::from((0..case.bounds.len()).any(reached)),
        );
        add(
            &tightness.critical_lowest,
            u64::from(lowest.is_some_and(reached)),
        );
    }
    wrong
}

fn blocked(set: &offsched_sim::TaskSet, line: &Timeline, job: &common::timeline::Job) -> bool {
    let level = |task: u16| set.tasks[usize::from(task)].level;
    line.between(job.release, job.start).any(|stretch| {
        stretch
            .job
            .is_some_and(|running| level(line.jobs[running].task) < level(job.task))
    })
}

/// The smallest set of this seed that still fails, and what is wrong with it.
fn shrink(seed: u64, wrong: Vec<String>) -> String {
    let lengths = [250, 500, 1_000, 2_000, Size::FULL.length_us];
    let sizes = lengths.into_iter().flat_map(|length_us| {
        (2..=Size::FULL.tasks).flat_map(move |tasks| {
            (0..=Size::FULL.resources).map(move |resources| Size {
                tasks,
                resources,
                length_us,
            })
        })
    });
    let failing = |size: Size| {
        Some((size, try_set(seed, size, &Tightness::default()))).filter(|found| !found.1.is_empty())
    };
    let (size, wrong) = sizes
        .into_iter()
        .find_map(failing)
        .unwrap_or((Size::FULL, wrong));
    let case = case(seed, size);
    let text = case
        .set
        .run(&case.config)
        .map_or(String::new(), |run| run.text());
    format!(
        "seed {seed}, {size:?}: {wrong:#?}\nbounds {:?}\n{:?}\n{text}",
        case.bounds, case.set
    )
}

#[test]
fn random_sets_keep_every_promise() {
    let (sets, first) = (
        from_env("OFFSCHED_SETS", 5_000),
        from_env("OFFSCHED_SEED", 0),
    );
    let tightness = Tightness::default();
    let next = AtomicU64::new(first);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= first + sets || failed.lock().unwrap().is_some() {
                        break;
                    }
                    let wrong = try_set(seed, Size::FULL, &tightness);
                    if !wrong.is_empty() {
                        *failed.lock().unwrap() = Some((seed, wrong));
                    }
                }
            });
        }
    });
    if let Some((seed, wrong)) = failed.into_inner().unwrap() {
        panic!("{}", shrink(seed, wrong));
    }
    let Tightness {
        sets,
        jobs,
        bounded,
        blocked,
        preempted,
        postponed,
        ..
    } = &tightness;
    println!(
        "{sets:?} sets, {jobs:?} jobs, {bounded:?} bounds; {blocked:?} jobs blocked, {preempted:?} preempted, {postponed:?} postponed"
    );
    let Tightness {
        critical,
        critical_reached,
        critical_lowest,
        ..
    } = &tightness;
    println!(
        "{critical:?} sets start together: {critical_reached:?} reached a bound, {critical_lowest:?} the largest bound"
    );
    // The properties are not true for want of anything happening.
    let [sets, jobs, blocked, preempted] =
        [sets, jobs, blocked, preempted].map(|counter| counter.load(Relaxed));
    assert!(
        jobs > sets * 20 && blocked > sets && preempted > sets,
        "{jobs} jobs, {blocked} blocked, {preempted} preempted"
    );
    let [critical, reached, lowest] =
        [critical, critical_reached, critical_lowest].map(|counter| counter.load(Relaxed));
    // Among tasks of one level the bound counts more than can happen.
    assert!(
        reached * 4 > critical * 3 && lowest * 3 > critical,
        "of {critical} critical sets {reached} reached a bound, {lowest} the largest"
    );
}
