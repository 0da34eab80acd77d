//! Spawning event tasks: now, at a tick, after a while; and taking it back.
#![allow(unsafe_code)]

use offsched_abi::telemetry::add;

use crate::ceiling::{Limit, bit};
use crate::core::Entry;
use crate::inbox::InboxView;
use crate::task::{Job, NONE, NodeState, Release};
use crate::{Core, Duration, Instant};

/// Why a spawn was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// As many jobs wait as the task's capacity allows.
    Full,
    /// The core does not run, or is stopping.
    NotRunning,
    /// The caller is not on the core: an ordinary thread sends a message instead.
    NotOnCore,
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Full => "the task's inbox is full: raise its capacity or spawn less often",
            Self::NotRunning => "the core does not run",
            Self::NotOnCore => {
                "a spawn from outside the core: send a message through a channel instead"
            }
        })
    }
}

impl core::error::Error for Reason {}

/// A refused spawn, with its message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rejected<P> {
    /// Why.
    pub reason: Reason,
    /// What was to be sent.
    pub payload: P,
}

impl<P> core::fmt::Debug for Rejected<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Rejected({:?})", self.reason)
    }
}

impl<P> core::fmt::Display for Rejected<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.reason.fmt(f)
    }
}

impl<P> core::error::Error for Rejected<P> {}

/// A job that cannot be cancelled: it has become ready, has run, or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// By which jobs of one event task are spawned.
pub struct Spawner<'a, P> {
    core: &'a Core,
    inbox: InboxView<'a, P>,
    task: u16,
}

impl<P> Clone for Spawner<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Spawner<'_, P> {}

impl<'a, P> Spawner<'a, P> {
    /// The spawner of `task`.
    ///
    /// # Safety
    /// `inbox` is the inbox of the event task number `task` of the image that
    /// `core` runs, and of no other.
    #[inline(always)]
    pub const unsafe fn new(core: &'a Core, task: u16, inbox: InboxView<'a, P>) -> Self {
        Self { core, inbox, task }
    }

    /// Makes a job ready. If its level is above the caller's ceiling it runs
    /// before this returns.
    ///
    /// # Errors
    /// [`Reason`]; the message comes back, and the refusal is counted.
    #[inline(always)]
    pub fn spawn(&self, payload: P) -> Result<(), Rejected<P>> {
        let core = self.core;
        let (floor, index, entry) = match self.claim() {
            Ok(claimed) => claimed,
            Err(reason) => return Err(Rejected { reason, payload }),
        };
        let task = entry.task;
        // SAFETY: claim() left us inside a kernel section, the node's owner.
        unsafe { self.inbox.put(index - task.first_node, payload) };
        let paced = !matches!(task.release, Release::Event { min_interval_us: 0 });
        let now = if task.measure || paced { core.now() } else { 0 };
        if !paced && floor.admits(task.level) && core.words.pending() < bit(task.level) {
            // Nothing as urgent waits: straight to the job.
            add(&entry.telemetry.releases, 1);
            core.run_job(index, now, &entry, now, floor);
        } else {
            core.queue(index, &entry, now, floor);
        }
        core.resume(floor);
        Ok(())
    }

    /// Makes a job ready at a tick; at once, if that has passed.
    ///
    /// # Errors
    /// As for [`spawn`](Self::spawn). The waiting job takes one place of the
    /// task's capacity.
    pub fn spawn_at(&self, at: Instant, payload: P) -> Result<Handle<'a, P>, Rejected<P>> {
        let core = self.core;
        let (floor, index, entry) = match self.claim() {
            Ok(claimed) => claimed,
            Err(reason) => return Err(Rejected { reason, payload }),
        };
        let bound = core.bound();
        // SAFETY: claim() left us inside a kernel section, the node's owner.
        unsafe { self.inbox.put(index - entry.task.first_node, payload) };
        let node = &bound.nodes[usize::from(index)];
        let now = core.now();
        if bound.scale.cycles_at(at.as_ticks()) <= now {
            core.queue(index, &entry, now, floor);
        } else {
            node.state.set(NodeState::Waiting);
            core.wait_until(index, at.as_ticks());
        }
        core.update_due();
        let handle = Handle {
            spawner: *self,
            index,
            generation: node.generation.get(),
        };
        core.resume(floor);
        Ok(handle)
    }

    /// Makes a job ready after a while, counted from the tick that lasts now.
    ///
    /// # Errors
    /// As for [`spawn_at`](Self::spawn_at).
    pub fn spawn_after(&self, after: Duration, payload: P) -> Result<Handle<'a, P>, Rejected<P>> {
        if let Err(reason) = self.core.is_here() {
            return Err(Rejected {
                reason: self.refuse(reason),
                payload,
            });
        }
        let at = self.core.tick().as_ticks().saturating_add(after.as_ticks());
        self.spawn_at(Instant::from_ticks(at), payload)
    }

    /// Enters a kernel section and takes a free node: the ceiling before, the
    /// node, and the task. Without one, the section is left again.
    #[inline(always)]
    fn claim(&self) -> Result<(Limit, u16, Entry<'a>), Reason> {
        let core = self.core;
        if let Err(reason) = core.is_here() {
            return Err(self.refuse(reason));
        }
        if core.stopping() {
            return Err(Reason::NotRunning);
        }
        let floor = core.words.raise(Limit::KERNEL);
        let bound = core.bound();
        let entry = bound.entry(self.task);
        let index = entry.state.free.get();
        if index == NONE || !self.inbox.holds(index - entry.task.first_node) {
            add(&entry.telemetry.rejected, 1);
            core.resume(floor);
            return Err(Reason::Full);
        }
        let next = bound.nodes[usize::from(index)].next.get();
        entry.state.free.set(next);
        Ok((floor, index, entry))
    }

    #[cold]
    fn refuse(&self, reason: Reason) -> Reason {
        if reason == Reason::NotOnCore {
            self.core.count_foreign_spawn();
        }
        reason
    }
}

/// A job that waits for its tick.
pub struct Handle<'a, P> {
    spawner: Spawner<'a, P>,
    index: u16,
    generation: u16,
}

impl<P> Handle<'_, P> {
    /// Takes the job back, with its message.
    ///
    /// # Errors
    /// [`Gone`] if it has become ready already (it may not have run yet), when
    /// called outside the core, and while the core stops.
    ///
    /// A job that a least interval had moved back keeps its place in the
    /// task's pace: the next spawn is moved back behind it all the same.
    pub fn cancel(self) -> Result<P, Gone> {
        let core = self.spawner.core;
        core.is_here().map_err(|_| Gone)?;
        if core.stopping() {
            return Err(Gone);
        }
        let floor = core.words.raise(Limit::KERNEL);
        let bound = core.bound();
        let node = &bound.nodes[usize::from(self.index)];
        let waits = matches!(node.state.get(), NodeState::Waiting | NodeState::Postponed);
        let mut message = None;
        if waits && node.generation.get() == self.generation {
            let task = &bound.tasks[usize::from(self.spawner.task)];
            self.spawner.core.wheel.cancel(bound.nodes, self.index);
            core.waits_no_more(task.level);
            core.update_due();
            // SAFETY: inside a kernel section; the node was in the wheel, and taking it out made it ours.
            message = unsafe { self.spawner.inbox.take(self.index - task.first_node) };
            core.free(self.index);
        }
        core.resume(floor);
        message.ok_or(Gone)
    }
}

impl Core {
    /// Leaves a kernel section in which something may have changed that the
    /// code at `floor` must be interrupted for.
    #[inline(always)]
    pub(crate) fn resume(&self, floor: Limit) {
        self.watch_floor();
        self.leave(floor);
    }

    /// Releases a job now that cannot run at once, behind what was due before.
    #[cold]
    pub(crate) fn queue(&self, index: u16, entry: &Entry<'_>, now: u64, floor: Limit) {
        if now >= self.due.get() {
            // What was due before comes before, though nothing as urgent has looked yet.
            self.release_due(now, floor);
        }
        self.release_event(index, entry, now, floor);
    }

    /// Gives an event task's node back to its free list.
    #[inline(always)]
    pub(crate) fn free(&self, index: u16) {
        let bound = self.bound();
        let node = &bound.nodes[usize::from(index)];
        let state = &bound.states[usize::from(node.task.get())];
        node.state.set(NodeState::Free);
        node.generation.set(node.generation.get().wrapping_add(1));
        node.next.set(state.free.get());
        state.free.set(index);
    }

    /// Calls a task's run function.
    #[inline(always)]
    pub(crate) fn call(&self, run: unsafe fn(&Core, Job), job: Job) {
        // SAFETY: the dispatcher calls this inside a kernel section, for a job of this very task that it has just
        // taken from the ready list, so no other run of the same task is on the stack: the ceiling is at its level then.
        unsafe { run(self, job) };
    }
}

impl Job {
    /// Frees the job's place and lowers the ceiling from the kernel's to the
    /// task's level: from here on more urgent tasks preempt.
    ///
    /// # Safety
    /// Only from [`Task::run`](crate::rt::Task::run), once, with the core and
    /// the job it was given, after the message was taken.
    #[inline(always)]
    pub unsafe fn open(&self, core: &Core) {
        if self.event {
            core.free(self.node);
        }
        core.leave(Limit::at(self.level));
    }
}
