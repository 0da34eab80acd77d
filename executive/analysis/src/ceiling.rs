//! Ceilings of resources, and the blocking that follows from them.
//!
//! Under the stack resource policy (Baker 1991) a job waits for a less urgent one at most once, before it starts, and
//! only while that one holds a resource whose ceiling reaches the waiting job's level.

use alloc::string::String;
use alloc::vec::Vec;

use crate::model::{Hold, Task};
use crate::report::NoBound;

/// A resource and its ceiling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// Name of the resource.
    pub resource: String,
    /// Highest level of the tasks that lock it.
    pub level: u8,
}

/// What a task may have to wait for before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocking {
    /// The longest hold, in nanoseconds.
    pub ns: u64,
    /// The task that holds.
    pub by: String,
    /// The resource that it holds.
    pub resource: String,
}

/// The ceiling of every resource, in the order in which tasks first name them.
pub(crate) fn ceilings(tasks: &[Task]) -> Vec<Ceiling> {
    let mut found: Vec<Ceiling> = Vec::new();
    for task in tasks {
        for hold in &task.holds {
            match found.iter_mut().find(|c| c.resource == hold.resource) {
                Some(ceiling) => ceiling.level = ceiling.level.max(task.level),
                None => found.push(Ceiling {
                    resource: hold.resource.clone(),
                    level: task.level,
                }),
            }
        }
    }
    found
}

/// The longest hold by a less urgent task that can delay a job of `level`; an error when one has no known length.
pub(crate) fn blocking(
    tasks: &[Task],
    ceilings: &[Ceiling],
    level: u8,
) -> Result<Option<Blocking>, NoBound> {
    let mut longest = None;
    for (task, hold) in delaying(tasks, ceilings, level) {
        let Some(ns) = hold.ns.or(task.budget_ns) else {
            return Err(NoBound::NoHold {
                task: task.name.clone(),
                resource: hold.resource.clone(),
            });
        };
        keep_longer(&mut longest, task, hold, ns);
    }
    Ok(longest)
}

/// The longest of the declared holds alone. A budget in a hold's place is left out: declaring the hold could replace it
/// by less.
pub(crate) fn declared_blocking(
    tasks: &[Task],
    ceilings: &[Ceiling],
    level: u8,
) -> Option<Blocking> {
    let mut longest = None;
    for (task, hold) in delaying(tasks, ceilings, level) {
        if let Some(ns) = hold.ns {
            keep_longer(&mut longest, task, hold, ns);
        }
    }
    longest
}

/// The holds by less urgent tasks that can delay a job of `level`.
fn delaying<'a>(
    tasks: &'a [Task],
    ceilings: &'a [Ceiling],
    level: u8,
) -> impl Iterator<Item = (&'a Task, &'a Hold)> {
    let below = tasks.iter().filter(move |task| task.level < level);
    below
        .flat_map(|task| task.holds.iter().map(move |hold| (task, hold)))
        .filter(move |(_, hold)| reaches(ceilings, hold, level))
}

fn keep_longer(longest: &mut Option<Blocking>, task: &Task, hold: &Hold, ns: u64) {
    if longest.as_ref().is_none_or(|l| ns > l.ns) {
        *longest = Some(Blocking {
            ns,
            by: task.name.clone(),
            resource: hold.resource.clone(),
        });
    }
}

/// True when holding this resource keeps jobs of `level` from starting.
fn reaches(ceilings: &[Ceiling], hold: &Hold, level: u8) -> bool {
    ceilings
        .iter()
        .any(|c| c.resource == hold.resource && c.level >= level)
}
