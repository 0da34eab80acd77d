//! What the analysis says: one record per task, and why where there is no bound.

use alloc::string::String;
use alloc::vec::Vec;

use crate::ceiling::{Blocking, Ceiling, blocking, ceilings, declared_blocking};
use crate::model::{Task, TaskSet};
use crate::response::{self, Response};

/// The analysis of a whole task set. Its [`Display`](core::fmt::Display) is a text table.
#[derive(Clone, Debug)]
pub struct Report {
    /// Overhead charged for each job, in nanoseconds.
    pub overhead_ns: u64,
    /// All locked resources and their ceilings.
    pub ceilings: Vec<Ceiling>,
    /// The tasks in declared order, without idle (level 0).
    pub tasks: Vec<TaskReport>,
}

/// The analysis of one task.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// The declaration.
    pub task: Task,
    /// What the task may have to wait for before it starts.
    pub blocking: Option<Blocking>,
    /// Bound on the response time in nanoseconds, or why there is none.
    pub bound: Result<u128, NoBound>,
    /// Where a declaration is missing: what the response time can reach at least, in nanoseconds, with nothing counted
    /// for what is not declared. `Err` where what is declared already has no bound.
    ///
    /// Declarations that are added can only raise it, so a deadline below it can be missed whatever they say.
    pub at_least: Option<Result<u128, NoBound>>,
    /// The largest part of the bound, or of what is known of it; for an overloaded set, of one deadline's demand.
    pub largest: Option<Contributor>,
    /// The bound against the deadline.
    pub verdict: Verdict,
}

/// Why a task has no bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBound {
    /// This task, at or above the level in question, declares no budget.
    NoBudget {
        /// The task to complete.
        task: String,
    },
    /// This task, at or above the level in question, may be released at any rate.
    NoInterval {
        /// The task to complete.
        task: String,
    },
    /// A less urgent task locks this resource, with neither a hold nor a budget declared.
    NoHold {
        /// The task to complete.
        task: String,
        /// The resource that it locks.
        resource: String,
    },
    /// The tasks at or above the level ask for more than the whole core.
    Overload {
        /// What they ask for, in percent of the core, rounded up.
        percent: u64,
    },
    /// The recurrence did not end within its step limit.
    GaveUp {
        /// The response time is at least this many nanoseconds.
        at_least_ns: u128,
    },
}

/// One part of a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contributor {
    /// Where the time goes.
    pub source: Source,
    /// How much of the bound it is, in nanoseconds.
    pub ns: u128,
}

/// Where time goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The task's own jobs.
    Own,
    /// The task's own release jitter.
    Jitter,
    /// Another task at or above its level.
    Task(String),
    /// A less urgent task that holds a resource.
    Blocking(Blocking),
}

/// A task's bound against its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Bound and deadline are known, and the bound is not above the deadline.
    Meets,
    /// The deadline can be missed, whatever is declared for what is not declared yet.
    Misses,
    /// Something that the bound depends on is not declared, and what is declared leaves the deadline open.
    Unknown,
    /// There is nothing to meet.
    NoDeadline,
}

impl Report {
    /// The record of the task of this name.
    pub fn task(&self, name: &str) -> Option<&TaskReport> {
        self.tasks.iter().find(|t| t.task.name == name)
    }

    /// The ceiling of the resource of this name; none if nobody locks it.
    pub fn ceiling(&self, resource: &str) -> Option<u8> {
        let found = self.ceilings.iter().find(|c| c.resource == resource);
        found.map(|c| c.level)
    }

    /// The tasks that can miss their deadlines.
    pub fn misses(&self) -> impl Iterator<Item = &TaskReport> {
        self.tasks.iter().filter(|t| t.verdict == Verdict::Misses)
    }

    /// True when no task is known to be able to miss its deadline.
    pub fn is_schedulable(&self) -> bool {
        self.misses().next().is_none()
    }
}

impl TaskReport {
    /// The bound in nanoseconds, if there is one.
    pub fn bound_ns(&self) -> Option<u128> {
        self.bound.as_ref().ok().copied()
    }
}

/// Analyses all tasks of the set.
pub(crate) fn build(set: &TaskSet) -> Report {
    let ceilings = ceilings(&set.tasks);
    let tasks = (0..set.tasks.len())
        .filter(|&i| set.tasks[i].level > 0)
        .map(|i| one(set, &ceilings, i))
        .collect();
    Report {
        overhead_ns: set.overhead_ns,
        ceilings,
        tasks,
    }
}

/// Analyses the task at `index`.
fn one(set: &TaskSet, ceilings: &[Ceiling], index: usize) -> TaskReport {
    let task = &set.tasks[index];
    let (blocking, response) = match blocking(&set.tasks, ceilings, task.level) {
        Err(why) => (None, Err(why)),
        Ok(blocking) => {
            let response = response::bound(set, index, blocking.as_ref());
            (blocking, response)
        }
    };
    let (bound, at_least, largest) = match response {
        Ok(Response { bound, largest }) => (bound, None, largest),
        Err(missing) => {
            let blocking = declared_blocking(&set.tasks, ceilings, task.level);
            let known = response::at_least(set, index, blocking.as_ref());
            (Err(missing), Some(known.bound), known.largest)
        }
    };
    TaskReport {
        verdict: verdict(task, &bound, at_least.as_ref()),
        task: task.clone(),
        blocking,
        bound,
        at_least,
        largest,
    }
}

/// Compares what is known with the deadline. An overloaded core misses every deadline sooner or later.
fn verdict(
    task: &Task,
    bound: &Result<u128, NoBound>,
    at_least: Option<&Result<u128, NoBound>>,
) -> Verdict {
    let Some(deadline_ns) = task.deadline_ns() else {
        return Verdict::NoDeadline;
    };
    let misses = match at_least.unwrap_or(bound) {
        Ok(ns) | Err(NoBound::GaveUp { at_least_ns: ns }) => *ns > deadline_ns,
        Err(why) => matches!(why, NoBound::Overload { .. }),
    };
    match bound {
        _ if misses => Verdict::Misses,
        Ok(_) => Verdict::Meets,
        Err(_) => Verdict::Unknown,
    }
}
