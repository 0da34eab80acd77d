//! What the analysis is given: tasks, their declared times, and the resources they lock.
//!
//! Everything here is declared by the programmer; nothing is measured. Times that belong to the schedule are whole
//! microseconds (the tick), times that belong to execution are nanoseconds.

use alloc::string::String;
use alloc::vec::Vec;

use crate::report::Report;

/// All tasks of one core.
#[derive(Clone, Debug, Default)]
pub struct TaskSet {
    /// What the executive itself takes for each job (release, dispatch, completion), in nanoseconds.
    pub overhead_ns: u64,
    /// The tasks, in the order in which the report lists them.
    pub tasks: Vec<Task>,
}

/// One task as declared.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name in reports.
    pub name: String,
    /// Its level, 1..=63, larger is more urgent. Level 0 is idle: it has no bound, but what it locks blocks others.
    pub level: u8,
    /// Least distance between two releases, in microseconds: the period, or an event task's `min_interval`.
    pub interval_us: Option<u64>,
    /// How much later than its nominal time a release may come, in microseconds.
    pub jitter_us: u64,
    /// When a job must be done, counted from its nominal release, in microseconds. May exceed the interval.
    pub deadline_us: Option<u64>,
    /// Longest execution of one job, in nanoseconds.
    pub budget_ns: Option<u64>,
    /// The resources it locks.
    pub holds: Vec<Hold>,
}

/// One resource that a task locks.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Name of the resource.
    pub resource: String,
    /// Longest time for which the lock is held, in nanoseconds. `None`: nothing declared, the whole budget counts.
    pub ns: Option<u64>,
}

impl TaskSet {
    /// An empty set with this overhead for each job, in nanoseconds.
    pub fn new(overhead_ns: u64) -> Self {
        Self {
            overhead_ns,
            tasks: Vec::new(),
        }
    }

    /// Computes ceilings, blocking and response-time bounds of all tasks.
    ///
    /// Always ends: the number of steps spent on each task is bounded, whatever the numbers are.
    pub fn analyse(&self) -> Report {
        crate::report::build(self)
    }
}

impl Task {
    /// A task of which only name and level are known.
    pub fn new(name: impl Into<String>, level: u8) -> Self {
        Self {
            name: name.into(),
            level,
            interval_us: None,
            jitter_us: 0,
            deadline_us: None,
            budget_ns: None,
            holds: Vec::new(),
        }
    }

    /// Sets the period or least interval, in microseconds.
    #[must_use]
    pub fn every_us(mut self, interval_us: u64) -> Self {
        self.interval_us = Some(interval_us);
        self
    }

    /// Sets the release jitter, in microseconds.
    #[must_use]
    pub fn jitter_us(mut self, jitter_us: u64) -> Self {
        self.jitter_us = jitter_us;
        self
    }

    /// Sets the deadline, in microseconds.
    #[must_use]
    pub fn deadline_us(mut self, deadline_us: u64) -> Self {
        self.deadline_us = Some(deadline_us);
        self
    }

    /// Sets the budget, in nanoseconds.
    #[must_use]
    pub fn budget_ns(mut self, budget_ns: u64) -> Self {
        self.budget_ns = Some(budget_ns);
        self
    }

    /// Adds a locked resource with its longest hold, in nanoseconds (`None`: the whole budget).
    #[must_use]
    pub fn locks(mut self, resource: impl Into<String>, ns: Option<u64>) -> Self {
        self.holds.push(Hold {
            resource: resource.into(),
            ns,
        });
        self
    }

    /// The interval in nanoseconds; none for an interval of zero, which bounds nothing.
    pub(crate) fn interval_ns(&self) -> Option<u128> {
        self.interval_us
            .filter(|&us| us > 0)
            .map(|us| u128::from(us) * 1000)
    }

    /// The jitter in nanoseconds.
    pub(crate) fn jitter_ns(&self) -> u128 {
        u128::from(self.jitter_us) * 1000
    }

    /// The deadline in nanoseconds.
    pub(crate) fn deadline_ns(&self) -> Option<u128> {
        self.deadline_us.map(|us| u128::from(us) * 1000)
    }
}
