//! Spawning event tasks: now, at a tick, after a while; and taking it back.
#![allow(unsafe_code)]

use offsched_abi::telemetry::add;

use crate::ceiling::Limit;
use crate::core::Entry;
use crate::inbox::InboxView;
use crate::task::{Job, NodeState};
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
    /// `core` runs, and of no other. `P` is `Send`.
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
        let (floor, place) = match self.enter() {
            Ok(entered) => entered,
            Err(reason) => return Err(Rejected { reason, payload }),
        };
        // SAFETY: inside a kernel section, into the next place that is free.
        unsafe { self.inbox.put(place, payload) };
        let entry = core.bound().entry(self.task);
        let task = entry.task;
        if core.is_next(task, floor) {
            // Nothing as urgent waits: straight to the job, whose place is free again before anybody else looks.
            let now = if task.measure { core.now() } else { 0 };
            add(&entry.telemetry.releases, 1);
            let job = Job {
                task: self.task,
                place,
                level: task.level,
                queued: false,
                release: now,
            };
            core.run_job(job, &entry, now, floor);
        } else {
            // SAFETY: inside a kernel section, and the message is in its place.
            unsafe { self.inbox.take_place() };
            core.queue_spawned(self.task, place, floor);
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
        let (floor, place) = match self.enter() {
            Ok(entered) => entered,
            Err(reason) => return Err(Rejected { reason, payload }),
        };
        // SAFETY: inside a kernel section; the next place that is free becomes ours, with its message.
        unsafe {
            self.inbox.put(place, payload);
            self.inbox.take_place();
        }
        let handle = Handle {
            spawner: *self,
            place,
            generation: core.wait_or_queue(self.task, place, at, floor),
        };
        core.resume(floor);
        Ok(handle)
    }

    /// Makes a job ready after a while, counted from the tick that lasts now.
    ///
    /// # Errors
    /// As for [`spawn_at`](Self::spawn_at).
    pub fn spawn_after(&self, after: Duration, payload: P) -> Result<Handle<'a, P>, Rejected<P>> {
        if !self.core.here.is_here() {
            let reason = self.core.refuse(self.task);
            return Err(Rejected { reason, payload });
        }
        let at = self.core.tick().as_ticks().saturating_add(after.as_ticks());
        self.spawn_at(Instant::from_ticks(at), payload)
    }

    /// Enters a kernel section and finds a free place: the ceiling before, and
    /// the place. Without one, the section is left again.
    #[inline(always)]
    fn enter(&self) -> Result<(Limit, u16), Reason> {
        let core = self.core;
        if !core.here.is_here() {
            return Err(core.refuse(self.task));
        }
        let floor = core.words.enter_kernel();
        // SAFETY: inside a kernel section.
        match unsafe { self.inbox.next_place() } {
            Some(place) => Ok((floor, place)),
            None => Err(core.reject(self.task, floor)),
        }
    }
}

/// A job that waits for its tick.
pub struct Handle<'a, P> {
    spawner: Spawner<'a, P>,
    place: u16,
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
        if !core.here.is_here() {
            return Err(Gone);
        }
        let floor = core.words.enter_kernel();
        let (inbox, mut message) = (&self.spawner.inbox, None);
        if core.take_from_wheel(self.spawner.task, self.place, self.generation) {
            // SAFETY: inside a kernel section; the place's node was in the wheel, and taking it out made both ours.
            unsafe {
                message = inbox.take_back(self.place);
                inbox.give_back(self.place);
            }
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

    /// Counts a spawn that found no place, and leaves the section.
    #[cold]
    fn reject(&self, task: u16, floor: Limit) -> Reason {
        add(&self.bound().entry(task).telemetry.rejected, 1);
        self.resume(floor);
        Reason::Full
    }

    /// Releases a spawned job now that cannot run at once. Returns the generation of its node.
    #[inline(never)]
    fn queue_spawned(&self, task: u16, place: u16, floor: Limit) -> u16 {
        let entry = self.bound().entry(task);
        let index = entry.task.first_node + place;
        let generation = self.bound().nodes[usize::from(index)].renew();
        let now = if entry.task.measure || entry.task.is_paced() {
            self.now()
        } else {
            0
        };
        self.queue(index, &entry, now, floor);
        generation
    }

    /// The same, or puts the job's node into the wheel, if its tick is still to come.
    fn wait_or_queue(&self, task: u16, place: u16, at: Instant, floor: Limit) -> u16 {
        let bound = self.bound();
        let entry = bound.entry(task);
        let index = entry.task.first_node + place;
        let node = &bound.nodes[usize::from(index)];
        let generation = node.renew();
        let now = self.now();
        if bound.scale.cycles_at(at.as_ticks()) <= now {
            self.queue(index, &entry, now, floor);
        } else {
            node.state.set(NodeState::Waiting);
            self.wait_until(index, at.as_ticks());
        }
        self.update_due();
        generation
    }

    /// Takes a place's node out of the wheel, if it is there and still of this generation.
    fn take_from_wheel(&self, task: u16, place: u16, generation: u16) -> bool {
        let bound = self.bound();
        let task = &bound.tasks[usize::from(task)];
        let index = task.first_node + place;
        let node = &bound.nodes[usize::from(index)];
        let waits = matches!(node.state.get(), NodeState::Waiting | NodeState::Postponed);
        let found = waits && node.generation.get() == generation;
        if found {
            self.wheel.cancel(bound.nodes, index);
            node.state.set(NodeState::Free);
            self.waits_no_more(task.level);
            self.update_due();
        }
        found
    }

    /// Releases a job now that cannot run at once, behind what was due before.
    pub(crate) fn queue(&self, index: u16, entry: &Entry<'_>, now: u64, floor: Limit) {
        if now >= self.due.get() {
            // What was due before comes before, though nothing as urgent has looked yet.
            self.release_due(now, floor);
        }
        self.release_event(index, entry, now, floor);
    }

    /// Calls a task's run function.
    #[inline(always)]
    pub(crate) fn call(&self, run: unsafe fn(&Core, Job), job: Job) {
        // SAFETY: the dispatcher calls this inside a kernel section, for a job of this very task that the ceiling outside
        // lets in, so no other run of the same task is on the stack: the ceiling is at its level then.
        unsafe { run(self, job) };
    }
}

impl Job {
    /// Lowers the ceiling from the kernel's to the
    /// task's level: from here on more urgent tasks preempt.
    ///
    /// # Safety
    /// Only from [`Task::run`](crate::rt::Task::run), once, with the core and
    /// the job it was given, after the message was taken.
    #[inline(always)]
    pub unsafe fn open(&self, core: &Core) {
        core.leave(Limit::at(self.level));
    }
}
