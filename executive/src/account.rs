//! What is written down about each job: times, misses, overruns, and why the
//! worst one was late.

use core::cell::Cell;
use core::sync::atomic::Ordering::Relaxed;

use offsched_abi::telemetry::{AUTOPSY_TASKS, Autopsy, JOB_RECORDS, JobRecord, add, raise};

use crate::Core;
use crate::core::Entry;
use crate::task::{NONE, NodeState, OnMiss};

/// A job that runs: its task and that one's level; in idle `NONE` and 0.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub task: u16,
    pub level: u8,
}

/// What is known of the job that runs. Each job keeps what it replaces, and puts it back at its end.
pub(crate) struct Frame {
    pub who: Cell<Who>,
    /// Budget in cycles that an alarm watches; `u64::MAX`: none, or already overrun.
    pub budget: Cell<u64>,
    /// When the innermost job that is measured started, cycles.
    pub start: Cell<u64>,
    /// What measured jobs above that one have taken since, cycles.
    pub nested: Cell<u64>,
}

impl Frame {
    pub const fn new() -> Self {
        Self {
            who: Cell::new(Who {
                task: NONE,
                level: 0,
            }),
            budget: Cell::new(u64::MAX),
            start: Cell::new(0),
            nested: Cell::new(0),
        }
    }

    /// Back to idle.
    pub fn reset(&self) {
        let idle = Self::new();
        self.who.set(idle.who.get());
        self.budget.set(idle.budget.get());
        self.start.set(0);
        self.nested.set(0);
    }
}

impl Core {
    /// When the running job's budget ends; `u64::MAX` if nobody watches it.
    #[inline(always)]
    pub(crate) fn budget_end(&self) -> u64 {
        let Frame {
            budget,
            start,
            nested,
            ..
        } = &self.frame;
        if budget.get() == u64::MAX {
            u64::MAX
        } else {
            let end = start.get().saturating_add(nested.get());
            end.saturating_add(budget.get())
        }
    }

    /// Counts the running job's overrun when it happens, once.
    pub(crate) fn check_budget(&self, now: u64) {
        if now > self.budget_end() {
            let task = usize::from(self.frame.who.get().task);
            add(&self.bound().memory.tasks[task].overruns, 1);
            self.frame.budget.set(u64::MAX);
        }
    }

    /// Closes the books of a measured job released at `release` (cycles). `outer`: start and nested of the measured job
    /// below it, which go on from here. Returns the time of its end.
    #[inline]
    pub(crate) fn finish(&self, entry: &Entry<'_>, release: u64, outer: (u64, u64)) -> u64 {
        let end = self.now();
        let start = self.frame.start.replace(outer.0);
        let spent = end.saturating_sub(start);
        let nested = self.frame.nested.replace(outer.1 + spent);
        let record = JobRecord {
            task: entry.id,
            start,
            end,
            own: spent.saturating_sub(nested),
        };
        self.record_execution(entry, &record, self.frame.budget.get() == u64::MAX);
        self.record_wait(entry, release, &record);
        let core = self.bound().memory.core;
        let jobs = core.jobs.load(Relaxed);
        core.trace[jobs as usize % JOB_RECORDS].write(record.to_words());
        core.jobs.store(jobs.wrapping_add(1), Relaxed);
        end
    }

    /// Execution time; an overrun, unless the alarm has already seen it.
    #[inline(always)]
    fn record_execution(&self, entry: &Entry<'_>, record: &JobRecord, unwatched: bool) {
        let (budget, telemetry) = (entry.state.budget.get(), entry.telemetry);
        let seen = unwatched && budget != u64::MAX && budget >= self.watch_min.get();
        if record.own > budget && !seen {
            add(&telemetry.overruns, 1);
        }
        telemetry.execution.record(record.own);
        raise(&telemetry.execution_max, record.own);
        add(&telemetry.execution_total, record.own);
    }

    /// Lateness and response, the part that the platform's gap had in them,
    /// and what a miss does.
    #[inline(always)]
    fn record_wait(&self, entry: &Entry<'_>, release: u64, record: &JobRecord) {
        let (state, telemetry) = (entry.state, entry.telemetry);
        let lateness = record.start.saturating_sub(release);
        let (gap_start, gap_end) = self.gap.get();
        let gap = gap_end
            .min(record.start)
            .saturating_sub(gap_start.max(release));
        raise(&telemetry.lateness_max, lateness);
        if gap > 0 {
            telemetry.lateness_in_gaps.record(lateness);
        } else {
            telemetry.lateness.record(lateness);
            raise(&telemetry.lateness_max_outside_gaps, lateness);
        }
        let response = record.end.saturating_sub(release);
        if raise(&telemetry.response_max, response) {
            self.dissect(entry, release, record, gap);
        }
        state.holder.set(NONE);
        if response > state.deadline.get() {
            if entry.task.on_miss == OnMiss::Stop {
                self.stop_for_miss(entry.id);
            } else {
                add(&telemetry.misses, 1);
            }
        }
        state.missed.set(false);
    }

    /// Counts the jobs that a stop has left: ready, moved back, waiting for their tick, or behind a job of their own
    /// task. After the last job.
    pub(crate) fn count_dropped(&self) {
        let bound = self.bound();
        for id in 0..bound.tasks.len() {
            let entry = bound.entry(id as u16);
            let nodes = &bound.nodes[usize::from(entry.task.first_node)..];
            let nodes = nodes[..usize::from(entry.task.nodes())].iter();
            let left = nodes.filter(|node| node.state.get() != NodeState::Free);
            let behind = u64::from(entry.state.backlog.get());
            add(&entry.telemetry.dropped, left.count() as u64 + behind);
        }
    }

    /// Keeps what stood between a job's release and its end.
    #[cold]
    #[inline(never)]
    fn dissect(&self, entry: &Entry<'_>, release: u64, record: &JobRecord, gap: u64) {
        let core = self.bound().memory.core;
        let holder = entry.state.holder.get();
        let mut ran = [(NONE, 0); AUTOPSY_TASKS];
        let mut known = record.own.saturating_add(gap);
        // What of its wait the gap and others' jobs do not explain: with a holder, that one's section.
        let mut held = record.start.saturating_sub(release).saturating_sub(gap);
        let jobs = core.jobs.load(Relaxed);
        let kept = jobs.min(JOB_RECORDS as u64);
        let mut whole = kept == jobs;
        for back in 1..=kept {
            let other =
                JobRecord::from_words(core.trace[(jobs - back) as usize % JOB_RECORDS].own());
            if other.end <= release {
                whole = true;
                break;
            }
            let own = other.own.min(other.end - release);
            known = known.saturating_add(own);
            if other.end <= record.start {
                held = held.saturating_sub(own);
            }
            note_longest(&mut ran, other.task, own);
        }
        // A trace that does not go back to the release may have lost jobs of the wait.
        if holder != NONE && whole {
            known = known.saturating_add(held);
        }
        let autopsy = Autopsy {
            release,
            start: record.start,
            end: record.end,
            gap,
            unknown: record.end.saturating_sub(release).saturating_sub(known),
            holder,
            ran,
        };
        entry.telemetry.worst.write(autopsy.to_words());
    }
}

/// Adds a task's time to the longest few, longest first.
fn note_longest(ran: &mut [(u16, u64); AUTOPSY_TASKS], task: u16, own: u64) {
    let place = match ran.iter().position(|entry| entry.0 == task) {
        Some(place) => place,
        None if ran[AUTOPSY_TASKS - 1].1 < own => {
            ran[AUTOPSY_TASKS - 1] = (task, 0);
            AUTOPSY_TASKS - 1
        }
        None => return,
    };
    ran[place].1 += own;
    ran.sort_unstable_by_key(|entry| core::cmp::Reverse(entry.1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_few_are_kept_in_order() {
        let mut ran = [(NONE, 0); AUTOPSY_TASKS];
        for (task, own) in [(1, 5), (2, 7), (1, 5), (3, 1), (4, 2), (5, 1)] {
            note_longest(&mut ran, task, own);
        }
        assert_eq!(ran, [(1, 10), (2, 7), (4, 2)]);
    }
}
