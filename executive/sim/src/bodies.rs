//! What the tasks of a run do: an app's own functions, or scripts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use offsched::rt::{Inbox, Job, Slot};
use offsched::{Core, Image};

use crate::access;
use crate::config::Execution;
use crate::machine::Machine;
use crate::random::Random;
use crate::record::{IDLE, What};
use crate::script::{Body, Step};

/// The largest capacity of a set's event task.
pub const CAPACITY_MAX: usize = 64;

/// The core that the machine interrupts.
pub(crate) enum Target {
    /// An app's.
    App(&'static Core),
    /// A task set's.
    Set(Rc<Core>),
}

impl Target {
    pub fn core(&self) -> &Core {
        match self {
            Self::App(core) => core,
            Self::Set(core) => core,
        }
    }
}

/// What the tasks of a run do.
pub(crate) enum Bodies {
    App(AppBodies),
    Set(Box<SetBodies>),
}

impl Bodies {
    /// An arrival of a set's event task.
    pub fn spawn(&self, machine: &Machine, task: u16, value: u64) {
        let Self::Set(set) = self else {
            panic!("an app's tasks are spawned by handlers: use Config::call_at");
        };
        let spawner = access::spawner(machine.core(), set, task)
            .expect("an arrival for a task that is not event-released");
        let accepted = spawner.spawn(value).is_ok();
        machine.note(What::Spawn { task, accepted });
    }
}

/// An app's tables, and execution times by task.
pub(crate) struct AppBodies {
    pub image: &'static Image<'static>,
    pub execution: Vec<Option<Execution>>,
    pub random: RefCell<Random>,
}

impl AppBodies {
    /// Lets a job execute for as long as the configuration says.
    pub fn execute(&self, machine: &Machine, task: u16) {
        if let Some(execution) = self.execution[usize::from(task)] {
            let ns = execution.draw(&mut self.random.borrow_mut());
            machine.work(machine.cycles(ns));
        }
    }
}

/// A set's scripts, inboxes and resources.
pub(crate) struct SetBodies {
    pub tasks: Vec<TaskBody>,
    pub resources: Vec<Resource>,
    pub init: Vec<Step>,
    pub idle: Vec<Step>,
    /// What must not happen and did.
    pub violations: RefCell<Vec<String>>,
}

pub(crate) struct TaskBody {
    pub level: u8,
    pub script: Rc<[Step]>,
    pub least_percent: u64,
    pub capacity: u16,
    /// Event tasks have one.
    pub inbox: Option<Box<Inbox<u64, CAPACITY_MAX>>>,
}

pub(crate) struct Resource {
    pub slot: Slot<u64>,
    pub ceiling: u8,
    /// The job in the section: task and number.
    pub holder: Cell<Option<(u16, u32)>>,
}

impl SetBodies {
    /// Runs a job's script.
    pub fn run(&self, machine: &Machine, job: &Job, number: u32, value: u64) {
        let task = &self.tasks[usize::from(job.task())];
        let key = u64::from(job.task()) << 32 | u64::from(number);
        let mut random = Random::fork(machine.seed, key);
        let percent = if random.chance(50) {
            100
        } else {
            random.between(task.least_percent, 100)
        };
        let body = Body {
            machine,
            set: self,
            task: job.task(),
            job: number,
            level: task.level,
            value,
            release: job.release_cycles().saturating_sub(machine.epoch()),
            percent,
        };
        body.perform(&task.script);
    }

    /// Runs the set's init.
    pub fn init(&self, machine: &Machine) {
        self.aside(machine).perform(&self.init);
    }

    /// Runs one turn of the set's idle function.
    pub fn idle(&self, machine: &Machine) {
        self.aside(machine).perform(&self.idle);
    }

    fn aside<'a>(&'a self, machine: &'a Machine) -> Body<'a> {
        Body {
            machine,
            set: self,
            task: IDLE,
            job: 0,
            level: 0,
            value: 0,
            release: 0,
            percent: 100,
        }
    }
}
