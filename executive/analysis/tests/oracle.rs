//! The bounds against a schedule drawn tick by tick.
//!
//! Without jitter and blocking, and with one task on each level, the bound is exact: it is the longest response in the
//! busy period that begins with a release of all tasks at once (Liu & Layland 1973, Lehoczky 1990). So a scheduler of
//! twenty lines, which knows nothing of recurrences, has to find the very same numbers.

mod common;

use common::Random;
use offsched_analysis::{Task, TaskSet};

/// (period, cost) in ticks; the first is the most urgent.
type Tasks = Vec<(u64, u64)>;

/// The longest response of the last task, if all are released at 0 and nothing is missed.
fn longest_response(tasks: &[(u64, u64)]) -> u64 {
    let last = tasks.len() - 1;
    let mut left = vec![0; tasks.len()];
    let (mut longest, mut done) = (0, 0);
    for now in 0u64.. {
        for (left, (period, cost)) in left.iter_mut().zip(tasks) {
            if now.is_multiple_of(*period) {
                *left += cost;
            }
        }
        match left.iter().position(|left| *left > 0) {
            Some(running) => {
                left[running] -= 1;
                if running == last && left[last].is_multiple_of(tasks[last].1) {
                    longest = longest.max(now + 1 - done * tasks[last].0);
                    done += 1;
                }
            }
            None => return longest,
        }
        if left.iter().all(|left| *left == 0) && done > 0 && now < done * tasks[last].0 {
            return longest;
        }
    }
    unreachable!("the busy period ends, since the core is not overloaded")
}

fn random_tasks(random: &mut Random) -> Tasks {
    let count = random.within(1, 5);
    (0..count)
        .map(|_| {
            let period = random.within(2, 40);
            (period, random.within(1, period.div_ceil(2)))
        })
        .collect()
}

/// True if the tasks leave the core some time, so that their busy period ends soon.
fn leaves_time(tasks: &[(u64, u64)]) -> bool {
    let sum: f64 = tasks.iter().map(|(t, c)| *c as f64 / *t as f64).sum();
    sum < 0.999
}

#[test]
fn bounds_are_what_a_schedule_shows() {
    let mut random = Random(2026);
    let mut compared = 0;
    while compared < 2_000 {
        let tasks = random_tasks(&mut random);
        if !leaves_time(&tasks) {
            continue;
        }
        let mut set = TaskSet::new(0);
        for (i, (period, cost)) in tasks.iter().enumerate() {
            let level = (tasks.len() - i) as u8;
            let task = Task::new(format!("t{i}"), level).every_us(*period);
            set.tasks.push(task.budget_ns(cost * 1000));
        }
        let report = set.analyse();
        for i in 0..tasks.len() {
            let drawn = u128::from(longest_response(&tasks[..=i])) * 1000;
            assert_eq!(
                report.tasks[i].bound_ns(),
                Some(drawn),
                "task {i} of {tasks:?}"
            );
        }
        compared += 1;
    }
}
