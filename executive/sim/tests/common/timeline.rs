//! A run's record turned into jobs and stretches of execution, with the rules of the stack checked on the way.

use offsched_sim::{Run, TaskSet, What};

/// One job, times in cycles since tick 0.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub task: u16,
    pub number: u32,
    pub release: u64,
    pub value: u64,
    pub start: u64,
    /// `u64::MAX` until it has ended.
    pub end: u64,
    /// Own execution.
    pub own: u64,
}

/// One held resource.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    pub resource: u16,
    pub ceiling: u8,
    /// Where in the record it begins: tells sections apart.
    pub id: usize,
    pub since: u64,
}

/// A stretch in which one job executed, or none.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub from: u64,
    pub to: u64,
    /// Index into the jobs.
    pub job: Option<usize>,
    pub held: Vec<Section>,
}

/// The run, job by job and stretch by stretch.
#[derive(Default)]
pub struct Timeline {
    pub jobs: Vec<Job>,
    pub stretches: Vec<Stretch>,
    pub wrong: Vec<String>,
}

struct Level {
    job: usize,
    held: Vec<Section>,
}

impl Timeline {
    /// Reads a record. What contradicts the rules of the stack goes to `wrong`.
    pub fn of(run: &Run, set: &TaskSet) -> Self {
        let mut line = Self::default();
        let mut stack: Vec<Level> = Vec::new();
        let mut last = 0;
        for (id, entry) in run.entries.iter().enumerate() {
            line.execute(&stack, last, entry.at);
            last = entry.at;
            match entry.what {
                What::Start { release, value } => {
                    line.check_start(set, &stack, entry.task, id);
                    stack.push(Level {
                        job: line.jobs.len(),
                        held: Vec::new(),
                    });
                    line.jobs.push(Job {
                        task: entry.task,
                        number: entry.job,
                        release,
                        value,
                        start: entry.at,
                        end: u64::MAX,
                        own: 0,
                    });
                }
                What::End => match stack.pop() {
                    Some(top) if top.held.is_empty() => line.jobs[top.job].end = entry.at,
                    _ => line.wrong.push(format!(
                        "entry {id}: an end with nothing to end, or inside a section"
                    )),
                },
                What::Lock(resource) => {
                    let held = stack.iter().flat_map(|level| &level.held);
                    if held.into_iter().any(|section| section.resource == resource) {
                        line.wrong
                            .push(format!("entry {id}: resource {resource} is held already"));
                    }
                    let ceiling = set.resources[usize::from(resource)].1;
                    if let Some(top) = stack.last_mut() {
                        top.held.push(Section {
                            resource,
                            ceiling,
                            id,
                            since: entry.at,
                        });
                    }
                }
                What::Unlock(resource) => {
                    let top = stack.last_mut().and_then(|top| top.held.pop());
                    if top.is_none_or(|section| section.resource != resource) {
                        line.wrong.push(format!(
                            "entry {id}: resource {resource} is not the last one taken"
                        ));
                    }
                }
                _ => {}
            }
        }
        if !stack.is_empty() {
            line.wrong
                .push(format!("{} jobs are left on the stack", stack.len()));
        }
        line
    }

    fn execute(&mut self, stack: &[Level], from: u64, to: u64) {
        if from == to {
            return;
        }
        let top = stack.last();
        if let Some(top) = top {
            self.jobs[top.job].own += to - from;
        }
        let held = top.map_or(Vec::new(), |top| top.held.clone());
        self.stretches.push(Stretch {
            from,
            to,
            job: top.map(|top| top.job),
            held,
        });
    }

    /// A job starts only above everything on the stack, and above every ceiling there.
    fn check_start(&mut self, set: &TaskSet, stack: &[Level], task: u16, id: usize) {
        let level = set.tasks[usize::from(task)].level;
        for below in stack {
            let other = self.jobs[below.job].task;
            if set.tasks[usize::from(other)].level >= level {
                self.wrong
                    .push(format!("entry {id}: task {task} starts over task {other}"));
            }
            for section in below.held.iter().filter(|section| section.ceiling >= level) {
                self.wrong.push(format!(
                    "entry {id}: task {task} starts over resource {}",
                    section.resource
                ));
            }
        }
    }

    /// The stretches that overlap `from..to`.
    pub fn between(&self, from: u64, to: u64) -> impl Iterator<Item = &Stretch> {
        let first = self.stretches.partition_point(|stretch| stretch.to <= from);
        self.stretches[first..]
            .iter()
            .take_while(move |stretch| stretch.from < to)
    }
}
