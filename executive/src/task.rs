//! The static declaration of a task, and the words that change as its jobs run.

use core::cell::Cell;

use crate::Core;
use crate::slots::{Link, Linked};
use crate::time::Instant;

/// No node, no task.
pub(crate) const NONE: u16 = u16::MAX;

/// What a task does about a job over its deadline. The miss is always counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnMiss {
    /// Count it and go on: late jobs run, late releases wait up to the task's capacity.
    #[default]
    Count,
    /// Count it and pass over the releases that were missed; the phase is kept.
    Skip,
    /// Count it and stop the core safely.
    Stop,
}

/// When a task's jobs become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Every `period_us`, first at `offset_us` after the start.
    Periodic {
        /// Ticks between releases; at least 1.
        period_us: u32,
        /// Ticks from the core's start to the first release.
        offset_us: u32,
    },
    /// By a spawn, at least `min_interval_us` apart (0: no least distance).
    Event {
        /// Ticks; an earlier release is moved back.
        min_interval_us: u32,
    },
}

/// The static declaration of a task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Name, `service.task` inside a service.
    pub name: &'static str,
    /// Static priority, 1..=63; larger is more urgent.
    pub level: u8,
    /// When jobs become ready.
    pub release: Release,
    /// Relative deadline, us; `None`: none.
    pub deadline: Option<u32>,
    /// Declared worst execution time, ns.
    pub budget_ns: Option<u64>,
    /// What a miss does.
    pub on_miss: OnMiss,
    /// Event: jobs that may wait. Periodic: releases that may wait while one runs.
    pub capacity: u16,
    /// Whether the clock is read for this task's jobs. Without it a spawned job's release counts as tick 0.
    pub measure: bool,
    /// Index of the task's first node. Periodic tasks have one, event tasks `capacity`.
    pub first_node: u16,
    /// Takes the message, calls [`Job::open`], runs the user's function.
    ///
    /// # Safety
    /// Called by the executive only: inside a kernel section, for a job of this
    /// very task, never twice at once.
    pub run: unsafe fn(&Core, Job),
}

impl Task {
    /// Number of nodes the task needs.
    pub const fn nodes(&self) -> u16 {
        match self.release {
            Release::Periodic { .. } => 1,
            Release::Event { .. } => self.capacity,
        }
    }

    /// True unless a spawn can be a release at once, whenever the last one was.
    #[inline(always)]
    pub(crate) const fn is_paced(&self) -> bool {
        !matches!(self.release, Release::Event { min_interval_us: 0 })
    }

    /// Ticks between a periodic task's releases; 0 for an event task.
    pub(crate) const fn period_us(&self) -> u64 {
        match self.release {
            Release::Periodic { period_us, .. } => period_us as u64,
            Release::Event { .. } => 0,
        }
    }
}

/// Where a node is in its life:
///
/// ```text
/// Free --spawn--> Ready --start--> Free
///   |               ^
///   +--spawn_at--> Waiting --tick--> Ready, or --cancel--> Free
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeState {
    Free,
    /// In the wheel; when its tick comes it asks to be released.
    Waiting,
    /// In the wheel, moved back by the least interval; its tick releases it.
    Postponed,
    Ready,
}

/// A place for one job of one task.
pub struct Node {
    pub(crate) link: Link,
    pub(crate) release: Cell<u64>,
    pub(crate) task: Cell<u16>,
    /// The next node in a ready list.
    pub(crate) next: Cell<u16>,
    pub(crate) generation: Cell<u16>,
    pub(crate) state: Cell<NodeState>,
}

impl Node {
    /// A free node.
    pub const fn new() -> Self {
        Self {
            link: Link::new(),
            release: Cell::new(0),
            task: Cell::new(NONE),
            next: Cell::new(NONE),
            generation: Cell::new(0),
            state: Cell::new(NodeState::Free),
        }
    }

    pub(crate) fn reset(&self, task: u16) {
        self.link.unlink();
        self.task.set(task);
        self.renew();
        self.state.set(NodeState::Free);
    }

    /// The node is for another job from here on: handles of the one before no longer know it.
    pub(crate) fn renew(&self) -> u16 {
        self.generation.set(self.generation.get().wrapping_add(1));
        self.generation.get()
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}

impl Linked for Node {
    #[inline(always)]
    fn link(&self) -> &Link {
        &self.link
    }
}

/// A task's words: they change as its jobs run.
pub struct State {
    /// Relative deadline in cycles; `u64::MAX`: none.
    pub(crate) deadline: Cell<u64>,
    /// Budget in cycles; `u64::MAX`: none.
    pub(crate) budget: Cell<u64>,
    /// A periodic task's period in cycles, rounded down.
    pub(crate) period: Cell<u64>,
    /// The earliest next release in cycles, under a least interval.
    pub(crate) allowed: Cell<u64>,
    /// Releases of a periodic task that wait for the running job to end.
    pub(crate) backlog: Cell<u16>,
    /// The task that held the ceiling above this one at its last release.
    pub(crate) holder: Cell<u16>,
    /// A job of a periodic task is ready or running.
    pub(crate) active: Cell<bool>,
    /// The job's miss has been counted before its end.
    pub(crate) missed: Cell<bool>,
}

impl State {
    /// The words of a task at rest.
    pub const fn new() -> Self {
        Self {
            deadline: Cell::new(u64::MAX),
            budget: Cell::new(u64::MAX),
            period: Cell::new(0),
            allowed: Cell::new(0),
            backlog: Cell::new(0),
            holder: Cell::new(NONE),
            active: Cell::new(false),
            missed: Cell::new(false),
        }
    }

    pub(crate) fn reset(&self) {
        self.allowed.set(0);
        self.backlog.set(0);
        self.holder.set(NONE);
        self.active.set(false);
        self.missed.set(false);
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// One run of a task, as handed to [`Task::run`].
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub(crate) release: u64,
    pub(crate) task: u16,
    /// An event task's place in its inbox.
    pub(crate) place: u16,
    pub(crate) level: u8,
    /// The job has waited, so its place was taken from the free ones.
    pub(crate) queued: bool,
}

impl Job {
    /// Index of the task in the image's table.
    pub fn task(&self) -> u16 {
        self.task
    }

    /// The job's release in cycles.
    #[inline]
    pub fn release_cycles(&self) -> u64 {
        self.release
    }

    /// The job's release in ticks.
    #[inline]
    pub fn release(&self, core: &Core) -> Instant {
        Instant::from_ticks(core.scale().tick_of(self.release))
    }
}
