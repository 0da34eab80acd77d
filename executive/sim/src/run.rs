//! What a simulated run leaves behind.

use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use offsched::abi::telemetry::{CoreTelemetry, TaskTelemetry};
use offsched::{Image, Memory, Outcome, StartError};

use crate::access;
use crate::bodies::Bodies;
use crate::config::Config;
use crate::machine::Machine;
use crate::record::{self, Entry, Names};

/// A finished run.
#[derive(Debug)]
pub struct Run {
    /// Why it ended.
    pub outcome: Outcome,
    /// Who ran when.
    pub entries: Vec<Entry>,
    /// What was written to the console.
    pub console: String,
    /// The tasks' telemetry, in the order of the tasks.
    pub tasks: Vec<TaskTelemetry>,
    /// The core's telemetry.
    pub core: Box<CoreTelemetry>,
    /// Doorbells rung for Linux's side: cycles since tick 0, and the place among those of all channels.
    pub rings: Vec<(u64, u16)>,
    /// Interrupt points: calls of the executive into the port's clock and alarm.
    pub points: u64,
    /// Jobs that were on the stack when the core had stopped; 0 unless the executive is broken.
    pub left_on_stack: usize,
    /// Sections that overlapped, and the like; empty unless the executive is broken.
    pub violations: Vec<String>,
    /// What the numbers in `entries` stand for.
    pub names: Names,
    hz: u64,
}

/// One task's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Jobs that became ready.
    pub releases: u64,
    /// Jobs that ran to their end.
    pub completions: u64,
    /// Jobs that ended after their deadline.
    pub misses: u64,
    /// Jobs that ran for longer than their budget.
    pub overruns: u64,
    /// Spawns and releases that found the capacity used up.
    pub rejected: u64,
    /// Releases passed over under the policy `skip`.
    pub skipped: u64,
    /// Releases moved back to keep the least interval.
    pub postponed: u64,
    /// Jobs that the stop found waiting.
    pub dropped: u64,
}

impl Run {
    /// Who ran when, as text.
    pub fn text(&self) -> String {
        record::render(&self.entries, &self.names, self.hz)
    }

    /// The number of the task of this name.
    pub fn task(&self, name: &str) -> Option<u16> {
        self.names
            .tasks
            .iter()
            .position(|task| *task == name)
            .map(|index| index as u16)
    }

    /// A task's counters.
    pub fn counters(&self, task: u16) -> Counters {
        let telemetry = &self.tasks[usize::from(task)];
        Counters {
            releases: telemetry.releases.load(Relaxed),
            completions: telemetry.completions.load(Relaxed),
            misses: telemetry.misses.load(Relaxed),
            overruns: telemetry.overruns.load(Relaxed),
            rejected: telemetry.rejected.load(Relaxed),
            skipped: telemetry.skipped.load(Relaxed),
            postponed: telemetry.postponed.load(Relaxed),
            dropped: telemetry.dropped.load(Relaxed),
        }
    }
}

/// Runs an image on a machine, and collects what is left.
pub(crate) fn execute(
    config: &Config,
    machine: &Rc<Machine>,
    image: &Image<'_>,
    names: Names,
) -> Result<Run, StartError> {
    let core = Box::<CoreTelemetry>::default();
    let tasks: Vec<TaskTelemetry> = image
        .tasks
        .iter()
        .map(|_| TaskTelemetry::default())
        .collect();
    let outcome = access::run(
        machine,
        image,
        config.gap_ns,
        Memory {
            core: &core,
            tasks: &tasks,
        },
    )?;
    let mut recorder = machine.record.borrow_mut();
    let violations = match &machine.bodies {
        Bodies::Set(set) => set.violations.take(),
        Bodies::App(_) => Vec::new(),
    };
    Ok(Run {
        outcome,
        left_on_stack: recorder.depth(),
        entries: std::mem::take(&mut recorder.entries),
        console: machine.console.take(),
        tasks,
        core,
        rings: machine.rings.take(),
        points: machine.points(),
        violations,
        names,
        hz: config.hz,
    })
}

/// Lets the calling job execute for so many cycles of virtual time: what falls
/// due meanwhile preempts it. For the code of apps that run on the simulation;
/// elsewhere, and in `init`, it does nothing useful and returns at once.
pub fn work(cycles: u64) {
    if let Some(machine) = access::here() {
        machine.work(cycles);
    }
}

/// Virtual time in cycles since tick 0, on the simulated core.
pub fn since_start() -> Option<u64> {
    access::here().map(|machine| machine.since_start())
}
