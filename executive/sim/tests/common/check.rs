//! The properties that every run must have.

use std::sync::atomic::Ordering::Relaxed;

use offsched::rt::Release;
use offsched_sim::{IDLE, Run, TaskSet, What};

use super::generate::Case;
use super::timeline::{Job, Timeline};

/// Everything that is wrong with a run, as text; empty: nothing.
pub fn all(case: &Case, run: &Run) -> Vec<String> {
    let line = Timeline::of(run, &case.set);
    let mut wrong = stack_and_blocking(&case.set, run, &line);
    wrong.extend(counters(&case.set, run, &line));
    wrong.extend(first_in_first_out(&case.set, &line));
    wrong.extend(responses(case, &line));
    wrong.extend(completeness(case, run, &line));
    wrong.extend(ceilings(case));
    wrong
}

/// Nested sections, one blocking at most and only before the start, never idle with work to do.
pub fn stack_and_blocking(set: &TaskSet, run: &Run, line: &Timeline) -> Vec<String> {
    let mut wrong = line.wrong.clone();
    wrong.extend(run.violations.iter().cloned());
    if run.left_on_stack != 0 {
        wrong.push(format!(
            "{} jobs on the stack after the end",
            run.left_on_stack
        ));
    }
    let level = |job: usize| set.tasks[usize::from(line.jobs[job].task)].level;
    for (index, job) in line.jobs.iter().enumerate() {
        let mut blockers = Vec::new();
        for stretch in line.between(job.release, job.start) {
            let Some(running) = stretch.job else {
                wrong.push(format!("idle at {} while {job:?} waits", stretch.from));
                continue;
            };
            if level(running) >= level(index) {
                continue;
            }
            // The outermost section that holds the job back; it must be older than the job.
            let section = stretch
                .held
                .iter()
                .find(|section| section.ceiling >= level(index));
            match section.filter(|section| section.since <= job.release) {
                Some(section) => blockers.push(section.id),
                None => wrong.push(format!(
                    "{:?} runs at {} while {job:?} waits",
                    line.jobs[running], stretch.from
                )),
            }
        }
        blockers.dedup();
        if blockers.len() > 1 {
            wrong.push(format!("{job:?} is blocked by {} sections", blockers.len()));
        }
        for stretch in line.between(job.start, job.end) {
            if stretch
                .job
                .is_none_or(|running| running != index && level(running) <= level(index))
            {
                wrong.push(format!("{job:?} waits at {} after its start", stretch.from));
            }
        }
    }
    wrong
}

/// The executive's counters and maxima against the record. For runs whose port calls take no time.
pub fn counters(set: &TaskSet, run: &Run, line: &Timeline) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, task) in set.tasks.iter().enumerate() {
        let jobs: Vec<&Job> = line
            .jobs
            .iter()
            .filter(|job| usize::from(job.task) == number)
            .collect();
        let spawns = |wanted: bool| {
            let matching = |what: What| matches!(what, What::Spawn { task, accepted } if usize::from(task) == number && accepted == wanted);
            run.entries
                .iter()
                .filter(|entry| matching(entry.what))
                .count() as u64
        };
        let deadline = task
            .deadline_us
            .map_or(u64::MAX, |us| u64::from(us) * 1_000);
        let budget = task.budget_ns.unwrap_or(u64::MAX);
        let most = |figure: fn(&Job) -> u64| jobs.iter().map(|job| figure(job)).max().unwrap_or(0);
        let (counted, telemetry) = (run.counters(number as u16), &run.tasks[number]);
        let mut expect = |what: &str, found: u64, expected: u64| {
            if found != expected {
                wrong.push(format!(
                    "{} of {}: {found}, the record says {expected}",
                    what, task.name
                ));
            }
        };
        expect("completions", counted.completions, jobs.len() as u64);
        expect(
            "misses",
            counted.misses,
            jobs.iter()
                .filter(|job| job.end - job.release > deadline)
                .count() as u64,
        );
        expect(
            "overruns",
            counted.overruns,
            jobs.iter().filter(|job| job.own > budget).count() as u64,
        );
        expect(
            "response_max",
            telemetry.response_max.load(Relaxed),
            most(|job| job.end - job.release),
        );
        expect(
            "lateness_max",
            telemetry.lateness_max.load(Relaxed),
            most(|job| job.start - job.release),
        );
        expect(
            "execution_max",
            telemetry.execution_max.load(Relaxed),
            most(|job| job.own),
        );
        expect(
            "execution_total",
            telemetry.execution_total.load(Relaxed),
            jobs.iter().map(|job| job.own).sum(),
        );
        let waiting = counted.releases - counted.completions.min(counted.releases);
        match task.release {
            Release::Periodic { .. } => {
                expect("spare releases", u64::from(waiting > 1), 0);
                expect("lost releases", waiting.saturating_sub(counted.dropped), 0);
            }
            Release::Event { .. } => {
                expect("rejected", counted.rejected, spawns(false));
                let open = spawns(true) - counted.completions.min(spawns(true));
                expect("lost spawns", u64::from(open > u64::from(task.capacity)), 0);
                expect("spare releases", u64::from(waiting > open), 0);
                expect("dropped", counted.dropped, open);
            }
        }
    }
    wrong
}

/// Jobs of one level start in the order of their releases. For sets whose tasks are all measured.
pub fn first_in_first_out(set: &TaskSet, line: &Timeline) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut latest: [Option<Job>; 64] = [None; 64];
    let mut ended = vec![0; set.tasks.len()];
    for job in &line.jobs {
        let task = &set.tasks[usize::from(job.task)];
        let before = std::mem::replace(&mut ended[usize::from(job.task)], job.end);
        if matches!(task.release, Release::Periodic { .. }) && before > job.release {
            // It waited for its own task's last job, and became ready when that ended.
            continue;
        }
        let last = &mut latest[usize::from(task.level)];
        if let Some(earlier) = last.filter(|earlier| earlier.release > job.release) {
            wrong.push(format!("{earlier:?} starts before {job:?}"));
        }
        *last = Some(*job);
    }
    wrong
}

/// When a job's response begins: at its release, or at the nominal time of its arrival.
pub fn origin(case: &Case, job: &Job) -> u64 {
    if case.nominal[usize::from(job.task)] {
        job.value
    } else {
        job.release
    }
}

/// No response is above its bound, and no two releases are closer than declared.
fn responses(case: &Case, line: &Timeline) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut released: Vec<Option<u64>> = vec![None; case.set.tasks.len()];
    for job in &line.jobs {
        let task = usize::from(job.task);
        let response = job.end.saturating_sub(origin(case, job));
        if let Some(bound) = case.bounds[task].filter(|bound| response > *bound) {
            wrong.push(format!("{job:?} took {response}, its bound is {bound}"));
        }
        let distance = match case.set.tasks[task].release {
            Release::Event { min_interval_us } => min_interval_us,
            Release::Periodic { period_us, .. } => period_us,
        };
        if let Some(before) = released[task].replace(job.release)
            && job.release < before + u64::from(distance) * 1_000
        {
            wrong.push(format!(
                "{job:?} was released {} after the one before",
                job.release.wrapping_sub(before)
            ));
        }
    }
    wrong
}

/// Every release that has had the time to end has ended.
fn completeness(case: &Case, run: &Run, line: &Timeline) -> Vec<String> {
    let mut wrong = Vec::new();
    let end = case.config.length.as_ticks() * 1_000;
    for (number, task) in case.set.tasks.iter().enumerate() {
        let Some(bound) = case.bounds[number] else {
            continue;
        };
        let counted = run.counters(number as u16);
        match task.release {
            Release::Periodic {
                period_us,
                offset_us,
            } => {
                let (period, offset) = (u64::from(period_us) * 1_000, u64::from(offset_us) * 1_000);
                let expected = end
                    .checked_sub(bound + offset)
                    .map_or(0, |span| span / period + 1);
                let ended = line
                    .jobs
                    .iter()
                    .filter(|job| usize::from(job.task) == number && job.release + bound <= end)
                    .count() as u64;
                if ended != expected || counted.rejected + counted.skipped != 0 {
                    wrong.push(format!(
                        "{} had {ended} jobs to the end, {expected} were due: {counted:?}",
                        task.name
                    ));
                }
            }
            Release::Event { min_interval_us } => {
                let quiet = case.quiet_ns.max(last_spawn(run, number as u16));
                let waits = u64::from(min_interval_us) * 1_000 * (u64::from(task.capacity) + 1);
                if quiet + waits + bound < end && counted.releases != counted.completions {
                    wrong.push(format!(
                        "{} did not come to its end: {counted:?}",
                        task.name
                    ));
                }
            }
        }
    }
    wrong
}

fn last_spawn(run: &Run, number: u16) -> u64 {
    let spawns = run
        .entries
        .iter()
        .filter(|entry| matches!(entry.what, What::Spawn { task, .. } if task == number));
    spawns.map(|entry| entry.at).max().unwrap_or(0)
}

/// The analysis' ceilings against their definition, task by task and resource by resource.
fn ceilings(case: &Case) -> Vec<String> {
    fn uses(steps: &[offsched_sim::Step], resource: u16) -> bool {
        steps.iter().any(|step| match step {
            offsched_sim::Step::Lock(other, inner) => *other == resource || uses(inner, resource),
            _ => false,
        })
    }
    let mut wrong = Vec::new();
    for (number, (name, _)) in case.set.resources.iter().enumerate() {
        let users = case
            .set
            .tasks
            .iter()
            .filter(|task| uses(&task.script, number as u16));
        let expected = users.map(|task| task.level).max();
        if case.report.ceiling(name) != expected {
            wrong.push(format!(
                "ceiling of {name}: {:?}, by definition {expected:?}",
                case.report.ceiling(name)
            ));
        }
    }
    wrong
}

/// Entries of the idle level, which belong to no job.
pub fn is_idle(task: u16) -> bool {
    task == IDLE
}
