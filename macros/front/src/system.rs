//! A whole app: its own unit and the included services, numbered as the executive will know them.

use offsched_analysis::{NoBound, Report, Task as Declared, TaskReport, TaskSet, Time as Show};
use syn::{Ident, Result};

use crate::ast::{AppArgs, LEVEL_MAX, Release, ServiceUse, Task, Unit, Uses};
use crate::errors::Errors;

/// Most tasks of an image.
const TASKS_MAX: usize = 4096;
/// Most jobs that an image can hold: numbered in 16 bits, of which one value means none.
const NODES_MAX: usize = u16::MAX as usize - 1;
/// Most channels of an image.
const CHANNEL_DECLS_MAX: usize = 64;
/// Most clients of all its channels together.
const CLIENTS_MAX: usize = 1024;

/// A whole app.
pub struct System {
    /// The app's arguments.
    pub args: AppArgs,
    /// The app itself.
    pub app: Unit,
    /// The included services, in the order of the arguments.
    pub services: Vec<Unit>,
}

/// One inclusion of a unit: the app itself, or a named instance of a service.
#[derive(Clone, Copy)]
pub struct Instance<'a> {
    /// The declarations.
    pub unit: &'a Unit,
    /// How it is included; none for the app itself.
    pub service: Option<&'a ServiceUse>,
    /// Number of its first task.
    pub first_task: u16,
}

impl Instance<'_> {
    /// What is added to the unit's priorities.
    pub fn base(&self) -> u8 {
        self.service.map_or(0, |s| s.base)
    }

    /// Name of a task, resource or channel in tables.
    pub fn name(&self, part: impl std::fmt::Display) -> String {
        match self.service {
            Some(service) => format!("{}.{part}", service.name),
            None => part.to_string(),
        }
    }

    /// Where to point for a task: the function, or the inclusion of its service.
    fn place<'b>(&'b self, task: &'b Task) -> &'b Ident {
        self.service.map_or(&task.name, |s| &s.name)
    }
}

impl System {
    /// The app and its services, numbered.
    pub fn instances(&self) -> Vec<Instance<'_>> {
        let services = self
            .services
            .iter()
            .zip(self.args.services.iter().map(Some));
        let mut first_task = 0;
        std::iter::once((&self.app, None))
            .chain(services)
            .map(|(unit, service)| {
                let instance = Instance {
                    unit,
                    service,
                    first_task,
                };
                first_task += unit.tasks.len() as u16;
                instance
            })
            .collect()
    }

    /// Checks what no unit can check for itself.
    ///
    /// # Errors
    /// A priority above the highest level, or more than the executive can number.
    pub fn check(&self) -> Result<()> {
        let mut errors = Errors::default();
        self.check_bases(&mut errors);
        self.check_numbers(&mut errors);
        errors.finish(())
    }

    fn check_bases(&self, errors: &mut Errors) {
        for instance in self.instances() {
            let Some(service) = instance.service else {
                continue;
            };
            let highest = instance.unit.tasks.iter().max_by_key(|t| t.priority);
            if let Some(task) = highest.filter(|t| t.priority + service.base > LEVEL_MAX) {
                errors.span(
                    service.base_at,
                    format!(
                        "with this base the priority of `{}` is {}: the highest is {LEVEL_MAX}, so the base of `{}` can be at most {}",
                        instance.name(&task.name),
                        task.priority + service.base,
                        service.name,
                        LEVEL_MAX - task.priority
                    ),
                );
            }
        }
    }

    fn check_numbers(&self, errors: &mut Errors) {
        let units = || std::iter::once(&self.app).chain(&self.services);
        let tasks = || units().flat_map(|u| &u.tasks);
        let channels = || units().flat_map(|u| &u.channels);
        let counts = [
            ("tasks", tasks().count(), TASKS_MAX),
            (
                "jobs in all capacities",
                tasks().map(|t| usize::from(t.nodes())).sum(),
                NODES_MAX,
            ),
            ("channels", channels().count(), CHANNEL_DECLS_MAX),
            (
                "clients of all channels",
                channels().map(|c| usize::from(c.clients)).sum(),
                CLIENTS_MAX,
            ),
        ];
        for (what, count, most) in counts {
            if count > most {
                errors.at(
                    &self.app.name,
                    format!("the app and its services have {count} {what}: the executive can hold {most}"),
                );
            }
        }
    }

    /// Response times of all tasks.
    pub fn analyse(&self) -> Report {
        let overhead = self.args.overhead.as_ref().map_or(0, |t| t.ns);
        let mut set = TaskSet::new(overhead);
        for instance in self.instances() {
            for task in &instance.unit.tasks {
                set.tasks.push(declared(&instance, task));
            }
            if let Some(idle) = &instance.unit.idle {
                let mut declared = Declared::new(idle.name.to_string(), 0);
                holds(&instance, &idle.uses, &mut declared);
                set.tasks.push(declared);
            }
        }
        set.analyse()
    }

    /// Refuses an app that can miss a deadline.
    ///
    /// # Errors
    /// For each task that can: its bound, its deadline, the largest contributor, and its line of the table.
    pub fn schedulable(&self) -> Result<()> {
        let mut errors = Errors::default();
        let report = self.analyse();
        let instances = self.instances();
        let tasks = instances
            .iter()
            .flat_map(|i| i.unit.tasks.iter().map(move |t| (i, t)));
        for ((instance, task), result) in tasks.zip(&report.tasks) {
            if result.verdict != offsched_analysis::Verdict::Misses {
                continue;
            }
            let text = format!("{}\n\n{}", late(result), report.lines(&[result]));
            errors.at(instance.place(task), text);
        }
        errors.finish(())
    }
}

/// Why a task can miss its deadline.
fn late(task: &TaskReport) -> String {
    let name = &task.task.name;
    let deadline_us = task.task.deadline_us.unwrap_or(0);
    let deadline = Show(u128::from(deadline_us) * 1000);
    let why = match (&task.bound, &task.at_least) {
        (Err(missing), Some(known)) => {
            let known = match known {
                Ok(ns) => format!("can reach at least {}", Show(*ns)),
                Err(NoBound::Overload { percent }) => format!(
                    "has no bound, because the tasks at and above its level ask for at least {percent}% of the core"
                ),
                Err(why) => format!("has no bound, because {why}"),
            };
            format!("{known}, with nothing counted for what is missing: {missing}")
        }
        (Err(why), None) => format!("has no bound, because {why}"),
        (Ok(bound), _) => format!("can reach {}", Show(*bound)),
    };
    let largest = match &task.largest {
        Some(largest) => format!("\nthe largest contributor is {largest}"),
        None => String::new(),
    };
    format!("`{name}` can miss its deadline of {deadline}: its response time {why}{largest}")
}

/// One task as the analysis knows it.
fn declared(instance: &Instance<'_>, task: &Task) -> Declared {
    let interval_us = match task.release {
        Release::Periodic { period_us, .. } => period_us,
        Release::Event { min_interval_us }
        | Release::Channel {
            min_interval_us, ..
        } => min_interval_us,
    };
    let mut declared = Declared {
        interval_us: Some(interval_us).filter(|us| *us > 0).map(u64::from),
        jitter_us: u64::from(task.jitter_us),
        deadline_us: task.deadline_us.map(u64::from),
        budget_ns: task.budget.as_ref().map(|t| t.ns),
        ..Declared::new(instance.name(&task.name), task.priority + instance.base())
    };
    holds(instance, &task.uses, &mut declared);
    declared
}

/// What a function locks.
fn holds(instance: &Instance<'_>, uses: &Uses, declared: &mut Declared) {
    let locked = uses.shared.iter().filter(|s| !s.read_only);
    let shared = locked.map(|s| (instance.name(&s.name), &s.hold));
    let channels = uses.channels.iter();
    let channels = channels.map(|c| (format!("channel {}", instance.name(&c.name)), &c.hold));
    for (resource, hold) in shared.chain(channels) {
        let ns = hold.as_ref().map(|t| t.ns);
        declared
            .holds
            .push(offsched_analysis::Hold { resource, ns });
    }
}
