//! What the jobs of a [`TaskSet`](crate::TaskSet) do: steps, and what a step may do.

use std::fmt;
use std::sync::Arc;

use offsched::rt::Spawner;
use offsched::{Gone, Handle, Instant, Rejected};

use crate::access;
use crate::bodies::{Resource, SetBodies};
use crate::machine::Machine;
use crate::record::What;

/// One step of a script.
#[derive(Clone)]
pub enum Step {
    /// Executes for so many ns.
    Work(u64),
    /// Holds the resource of this number while it performs the steps.
    Lock(u16, Vec<Step>),
    /// Spawns the event task of this number, with the time (cycles since tick 0) as message.
    Spawn(u16),
    /// Asks the core to stop.
    Stop,
    /// Anything else.
    Do(Arc<Action>),
}

/// What [`Step::Do`] calls.
pub type Action = dyn for<'a> Fn(&Body<'a>) + Send + Sync;

impl Step {
    /// A step that calls a function.
    pub fn call(f: impl for<'a> Fn(&Body<'a>) + Send + Sync + 'static) -> Self {
        Self::Do(Arc::new(f))
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Work(ns) => write!(f, "Work({ns})"),
            Self::Lock(resource, steps) => write!(f, "Lock({resource}, {steps:?})"),
            Self::Spawn(task) => write!(f, "Spawn({task})"),
            Self::Stop => f.write_str("Stop"),
            Self::Do(_) => f.write_str("Do"),
        }
    }
}

/// A running job (or init, or a turn of the idle function), as its script sees it.
pub struct Body<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) set: &'a SetBodies,
    pub(crate) task: u16,
    pub(crate) job: u32,
    pub(crate) level: u8,
    pub(crate) value: u64,
    pub(crate) release: u64,
    pub(crate) percent: u64,
}

impl<'a> Body<'a> {
    /// The job's message; 0 for periodic tasks.
    pub fn value(&self) -> u64 {
        self.value
    }

    /// The job's number among its task's, from 0.
    pub fn job(&self) -> u32 {
        self.job
    }

    /// The job's release in cycles since tick 0.
    pub fn release(&self) -> u64 {
        self.release
    }

    /// Virtual time in cycles since tick 0.
    pub fn now(&self) -> u64 {
        self.machine.since_start()
    }

    /// Executes for so many ns: virtual time goes by, more urgent jobs come in between.
    pub fn work(&self, ns: u64) {
        self.machine.work(self.machine.cycles(ns));
    }

    /// Runs `f` while holding a resource.
    ///
    /// # Panics
    /// If the task is above the resource's ceiling, or holds it already.
    pub fn lock<R>(&self, resource: u16, f: impl FnOnce() -> R) -> R {
        let section = |declared: &Resource, count: &mut u64| {
            if let Some(other) = declared.holder.replace(Some(self.name())) {
                let text = format!(
                    "resource {resource}: {:?} enters while {other:?} is inside",
                    self.name()
                );
                self.set.violations.borrow_mut().push(text);
            }
            self.machine.note(What::Lock(resource));
            let result = f();
            self.machine.note(What::Unlock(resource));
            declared.holder.set(None);
            *count += 1;
            result
        };
        access::locked(self, resource, section)
    }

    /// Task and number of the job.
    pub(crate) fn name(&self) -> (u16, u32) {
        (self.task, self.job)
    }

    /// Spawns an event task.
    ///
    /// # Errors
    /// As for [`Spawner::spawn`].
    ///
    /// # Panics
    /// If the task is not event-released.
    pub fn spawn(&self, task: u16, value: u64) -> Result<(), Rejected<u64>> {
        let result = self.spawner(task).spawn(value);
        self.machine.note(What::Spawn {
            task,
            accepted: result.is_ok(),
        });
        result
    }

    /// Spawns an event task at a tick.
    ///
    /// # Errors
    /// As for [`Spawner::spawn_at`].
    ///
    /// # Panics
    /// If the task is not event-released.
    pub fn spawn_at(
        &self,
        task: u16,
        tick: u64,
        value: u64,
    ) -> Result<Handle<'a, u64>, Rejected<u64>> {
        let result = self
            .spawner(task)
            .spawn_at(Instant::from_ticks(tick), value);
        self.machine.note(What::Spawn {
            task,
            accepted: result.is_ok(),
        });
        result
    }

    /// Takes back a job that waits for its tick.
    ///
    /// # Errors
    /// As for [`Handle::cancel`].
    pub fn cancel(&self, handle: Handle<'a, u64>) -> Result<u64, Gone> {
        handle.cancel()
    }

    /// Asks the core to stop.
    pub fn stop(&self) {
        self.machine.core().stop();
    }

    /// Performs steps, `Work` cut to the job's share.
    pub(crate) fn perform(&self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Work(ns) => self.work(ns * self.percent / 100),
                Step::Lock(resource, steps) => self.lock(*resource, || self.perform(steps)),
                // A refusal is recorded and counted; the script goes on.
                Step::Spawn(task) => drop(self.spawn(*task, self.now())),
                Step::Stop => self.stop(),
                Step::Do(action) => action(self),
            }
        }
    }

    fn spawner(&self, task: u16) -> Spawner<'a, u64> {
        let spawner = access::spawner(self.machine.core(), self.set, task);
        spawner.expect("only event tasks can be spawned")
    }
}
