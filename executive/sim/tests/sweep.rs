//! An interrupt at every place of a run where the executive calls its port.
//!
//! `OFFSCHED_SWEEPS` sets how many random sets are swept.

mod common;

use common::check;
use common::generate::{Case, Size, case};
use common::timeline::Timeline;
use offsched::rt::Release;
use offsched_sim::{Config, Costs, Event, Inject, Run, SetTask, Step};

const SIZE: Size = Size {
    tasks: 5,
    resources: 3,
    length_us: 600,
};
/// Above all levels of the random sets but one.
const TOP_LEVEL: u8 = 62;

fn sweeps() -> u64 {
    std::env::var("OFFSCHED_SWEEPS")
        .ok()
        .map_or(300, |text| text.parse().expect("a number"))
}

/// A random set with one more task on top of it, which works for 300 ns and has the number that is returned.
fn with_top(seed: u64, top: SetTask) -> (Case, u16) {
    let mut case = case(seed, SIZE);
    case.set
        .tasks
        .iter_mut()
        .for_each(|task| task.level = task.level.min(TOP_LEVEL - 1));
    case.set
        .resources
        .iter_mut()
        .for_each(|resource| resource.1 = resource.1.min(TOP_LEVEL - 1));
    let number = case.set.add(top.does(vec![Step::Work(300)]));
    (case, number)
}

fn run_with(case: &Case, config: &Config) -> Run {
    case.set.run(config).expect("a random set starts")
}

fn inject(case: &Case, point: u64, event: Event) -> (Config, Run) {
    let mut config = case.config.clone();
    config.inject = Some(Inject { point, event });
    let run = run_with(case, &config);
    (config, run)
}

/// What holds whatever came in between: the stack, the sections, and that nothing is lost.
fn assert_whole(case: &Case, run: &Run, what: &str) -> Timeline {
    let line = Timeline::of(run, &case.set);
    let mut wrong = line.wrong.clone();
    wrong.extend(run.violations.iter().cloned());
    let mut last: Vec<Option<u64>> = vec![None; case.set.tasks.len()];
    for job in &line.jobs {
        let before = last[usize::from(job.task)].replace(job.release);
        if let (Release::Periodic { period_us, .. }, Some(before)) =
            (case.set.tasks[usize::from(job.task)].release, before)
            && job.release != before + u64::from(period_us) * 1_000
        {
            wrong.push(format!("{job:?} follows the release at {before}"));
        }
    }
    for number in 0..case.set.tasks.len() {
        let ended = line
            .jobs
            .iter()
            .filter(|job| usize::from(job.task) == number)
            .count() as u64;
        let counted = run.counters(number as u16);
        if counted.completions != ended || counted.releases < ended {
            wrong.push(format!("task {number}: {ended} jobs, {counted:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{what}: {wrong:#?}\n{:?}\n{}",
        case.set,
        run.text()
    );
    line
}

#[test]
fn an_interrupt_for_nothing_changes_nothing() {
    for seed in 0..sweeps() {
        let case = case(seed, SIZE);
        let quiet = run_with(&case, &case.config);
        for point in 0..quiet.points {
            let (_, run) = inject(&case, point, Event::Interrupt);
            assert_eq!(run.entries, quiet.entries, "seed {seed}, point {point}");
        }
    }
}

#[test]
fn an_arrival_at_any_point_runs_once() {
    for seed in 0..sweeps() {
        let (case, top) = with_top(seed, SetTask::event("top", TOP_LEVEL, 0));
        let points = run_with(&case, &case.config).points;
        for point in 0..points.saturating_sub(1) {
            let what = format!("seed {seed}, point {point}");
            let (config, run) = inject(&case, point, Event::Spawn(top, 0));
            let line = assert_whole(&case, &run, &what);
            let ran = line.jobs.iter().filter(|job| job.task == top).count();
            // In the last calls the core is stopping, and refuses.
            let stopping = run
                .entries
                .last()
                .is_none_or(|entry| entry.at >= config.length.as_ticks() * 1_000);
            assert!(
                ran == 1 || stopping,
                "{what}: top ran {ran} times\n{}",
                run.text()
            );
            let wrong = check::stack_and_blocking(&case.set, &run, &line);
            assert!(wrong.is_empty(), "{what}: {wrong:#?}\n{}", run.text());
        }
    }
}

#[test]
fn a_gap_at_any_point_loses_nothing() {
    for seed in 0..sweeps() {
        let case = case(seed, SIZE);
        let points = run_with(&case, &case.config).points;
        for point in 0..points {
            for gap_ns in [2_000, 150_000] {
                let (_, run) = inject(&case, point, Event::Gap(gap_ns));
                assert_whole(
                    &case,
                    &run,
                    &format!("seed {seed}, point {point}, gap of {gap_ns}"),
                );
            }
        }
    }
}

/// With calls that take time, the release of a task on top at every tick of the run: so its alarm goes off at, between
/// and inside the executive's calls.
#[test]
fn a_release_at_any_tick_is_in_time() {
    for seed in 0..sweeps() {
        for tick in (0..SIZE.length_us as u32 - 50).step_by(3) {
            let offset = tick + (seed % 3) as u32;
            let top = SetTask::periodic("top", TOP_LEVEL, 1_000_000).offset_us(offset);
            let (mut case, top) = with_top(seed, top);
            case.config.costs = Costs {
                now: 300,
                arm: 200,
                interrupt: 100,
                ..Costs::default()
            };
            let run = run_with(&case, &case.config);
            let line = assert_whole(&case, &run, &format!("seed {seed}, tick {offset}"));
            let late: Vec<u64> = line
                .jobs
                .iter()
                .filter(|job| job.task == top)
                .map(|job| job.start - job.release)
                .collect();
            // A few calls of the kernel section that it falls into.
            assert!(
                late.len() == 1 && late[0] < 3_000,
                "seed {seed}, tick {offset}: {late:?} late\n{}",
                run.text()
            );
        }
    }
}
