//! A task set that is built at run time, to run on a simulated core.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use offsched::rt::{Inbox, Node, Release, Slot, State, Task};
use offsched::{Core, IdlePolicy, Image, OnMiss, StartError};

use crate::access;
use crate::bodies::{Bodies, CAPACITY_MAX, Resource, SetBodies, Target, TaskBody};
use crate::config::{Config, Event, Pattern};
use crate::machine::Machine;
use crate::random::Random;
use crate::record::Names;
use crate::run::{Run, execute};
use crate::script::Step;

/// Tasks with scripts, and the resources that they lock.
#[derive(Clone, Debug, Default)]
pub struct TaskSet {
    /// The tasks; a task's number is its index.
    pub tasks: Vec<SetTask>,
    /// The resources' names and ceilings; a resource's number is its index.
    pub resources: Vec<(&'static str, u8)>,
    /// What runs before tick 0.
    pub init: Vec<Step>,
    /// One turn of the idle function; empty: none.
    pub idle: Vec<Step>,
}

/// One task of a set.
#[derive(Clone, Debug)]
pub struct SetTask {
    /// Its name in the record.
    pub name: &'static str,
    /// 1..=63, larger is more urgent.
    pub level: u8,
    /// When its jobs become ready.
    pub release: Release,
    /// Relative deadline, us.
    pub deadline_us: Option<u32>,
    /// Declared worst execution time, ns.
    pub budget_ns: Option<u64>,
    /// What a miss does.
    pub on_miss: OnMiss,
    /// Jobs (event) or releases (periodic) that may wait.
    pub capacity: u16,
    /// Whether the executive reads the clock for its jobs.
    pub measure: bool,
    /// What its jobs do.
    pub script: Vec<Step>,
    /// Half of the jobs do all of every `Work`, the others a random share of at least this many percent.
    pub least_percent: u64,
    /// Event tasks: when handlers spawn it. The message is the nominal time in ns.
    pub arrivals: Vec<Pattern>,
}

impl SetTask {
    /// A periodic task, first released at tick 0, that does nothing.
    pub fn periodic(name: &'static str, level: u8, period_us: u32) -> Self {
        Self::new(
            name,
            level,
            Release::Periodic {
                period_us,
                offset_us: 0,
            },
        )
    }

    /// An event task, with a least distance of releases (0: none), that does nothing.
    pub fn event(name: &'static str, level: u8, min_interval_us: u32) -> Self {
        Self::new(name, level, Release::Event { min_interval_us })
    }

    fn new(name: &'static str, level: u8, release: Release) -> Self {
        Self {
            name,
            level,
            release,
            deadline_us: None,
            budget_ns: None,
            on_miss: OnMiss::Count,
            capacity: 1,
            measure: true,
            script: Vec::new(),
            least_percent: 100,
            arrivals: Vec::new(),
        }
    }

    /// Sets a periodic task's first release.
    ///
    /// # Panics
    /// If the task is not periodic.
    #[must_use]
    pub fn offset_us(mut self, offset: u32) -> Self {
        match &mut self.release {
            Release::Periodic { offset_us, .. } => *offset_us = offset,
            Release::Event { .. } => panic!("an event task has no offset"),
        }
        self
    }

    /// Sets the relative deadline.
    #[must_use]
    pub fn deadline_us(mut self, deadline: u32) -> Self {
        self.deadline_us = Some(deadline);
        self
    }

    /// Sets the declared worst execution time.
    #[must_use]
    pub fn budget_ns(mut self, budget: u64) -> Self {
        self.budget_ns = Some(budget);
        self
    }

    /// Sets what a miss does.
    #[must_use]
    pub fn on_miss(mut self, on_miss: OnMiss) -> Self {
        self.on_miss = on_miss;
        self
    }

    /// Sets how many jobs or releases may wait.
    #[must_use]
    pub fn capacity(mut self, capacity: u16) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets what the jobs do.
    #[must_use]
    pub fn does(mut self, script: Vec<Step>) -> Self {
        self.script = script;
        self
    }

    /// Adds arrivals from outside.
    #[must_use]
    pub fn arrives(mut self, pattern: Pattern) -> Self {
        self.arrivals.push(pattern);
        self
    }
}

impl TaskSet {
    /// Adds a task; returns its number.
    pub fn add(&mut self, task: SetTask) -> u16 {
        self.tasks.push(task);
        (self.tasks.len() - 1) as u16
    }

    /// Adds a resource; returns its number.
    pub fn resource(&mut self, name: &'static str, ceiling: u8) -> u16 {
        self.resources.push((name, ceiling));
        (self.resources.len() - 1) as u16
    }

    /// Runs the set in virtual time, until a job stops it or the configured length is over.
    ///
    /// # Errors
    /// [`StartError`]; `AlreadyRunning` if the calling thread is a simulated core already.
    pub fn run(&self, config: &Config) -> Result<Run, StartError> {
        let mut config = config.clone();
        config.events.extend(self.arrivals(&config));
        let core = Rc::new(Core::new());
        let table = self.table();
        let nodes: Vec<Node> = (0..table.iter().map(Task::nodes).sum())
            .map(|_| Node::new())
            .collect();
        let states: Vec<State> = table.iter().map(|_| State::new()).collect();
        let bodies = Bodies::Set(Box::new(self.bodies()));
        let image = Image {
            name: "set",
            core: &core,
            tasks: &table,
            nodes: &nodes,
            states: &states,
            channels: &[],
            init: access::set_init,
            idle_policy: IdlePolicy::default(),
            idle: (!self.idle.is_empty()).then_some(access::set_idle as unsafe fn(&Core)),
            drop: access::set_drop,
        };
        let machine = Rc::new(Machine::new(
            &config,
            Target::Set(core.clone()),
            bodies,
            &image,
        ));
        let names = Names {
            tasks: self.tasks.iter().map(|task| task.name).collect(),
            resources: self.resources.iter().map(|resource| resource.0).collect(),
        };
        execute(&config, &machine, &image, names)
    }

    fn arrivals(&self, config: &Config) -> Vec<(u64, Event)> {
        let mut events = Vec::new();
        for (number, task) in self.tasks.iter().enumerate() {
            let mut random = Random::fork(config.seed, number as u64);
            for pattern in &task.arrivals {
                for arrival in pattern.arrivals(&mut random, config.length) {
                    events.push((
                        arrival.at_ns,
                        Event::Spawn(number as u16, arrival.nominal_ns),
                    ));
                }
            }
        }
        events
    }

    /// The executive's table.
    fn table(&self) -> Vec<Task> {
        let mut first_node = 0;
        let mut table = Vec::with_capacity(self.tasks.len());
        for task in &self.tasks {
            table.push(Task {
                name: task.name,
                level: task.level,
                release: task.release,
                deadline: task.deadline_us,
                budget_ns: task.budget_ns,
                on_miss: task.on_miss,
                capacity: task.capacity,
                measure: task.measure,
                first_node,
                run: access::set_job,
            });
            first_node += table[table.len() - 1].nodes();
        }
        table
    }

    fn bodies(&self) -> SetBodies {
        let body = |task: &SetTask| {
            let event = matches!(task.release, Release::Event { .. });
            assert!(
                !event || usize::from(task.capacity) <= CAPACITY_MAX,
                "a capacity above {CAPACITY_MAX}"
            );
            TaskBody {
                level: task.level,
                script: task.script.clone().into(),
                least_percent: task.least_percent,
                capacity: task.capacity,
                inbox: event.then(|| Box::new(Inbox::new())),
            }
        };
        let resource = |ceiling: u8| Resource {
            slot: Slot::new(),
            ceiling,
            holder: Cell::new(None),
        };
        SetBodies {
            tasks: self.tasks.iter().map(body).collect(),
            resources: self
                .resources
                .iter()
                .map(|declared| resource(declared.1))
                .collect(),
            init: self.init.clone(),
            idle: self.idle.clone(),
            violations: RefCell::new(Vec::new()),
        }
    }
}
