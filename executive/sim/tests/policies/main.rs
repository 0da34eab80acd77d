//! What the executive promises beyond who runs when: overload, gaps, budgets, spawns, the clock, stopping.

#[path = "../common/mod.rs"]
mod common;

mod clock;
mod overload;
mod spawns;
mod timing;

use common::check;
use common::timeline::Timeline;
use offsched_sim::{Entry, Run, Step, TaskSet, What};

fn work(ns: u64) -> Vec<Step> {
    vec![Step::Work(ns)]
}

fn starts(run: &Run, task: u16) -> Vec<u64> {
    let started = |entry: &&Entry| entry.task == task && matches!(entry.what, What::Start { .. });
    run.entries
        .iter()
        .filter(started)
        .map(|entry| entry.at)
        .collect()
}

fn assert_in_order(set: &TaskSet, run: &Run) {
    let line = Timeline::of(run, set);
    let mut wrong = check::stack_and_blocking(set, run, &line);
    wrong.extend(check::counters(set, run, &line));
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", run.text());
}
