//! Who ran when: what the simulation writes down, and its text form.

use std::fmt::Write as _;

/// Something that happened on the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A job starts; when it was released, in cycles since tick 0.
    Start {
        /// Its release.
        release: u64,
        /// Its message, for event tasks of a task set.
        value: u64,
    },
    /// A job on top of it starts.
    Preempt,
    /// It goes on.
    Resume,
    /// It has ended.
    End,
    /// It holds this resource.
    Lock(u16),
    /// It gives this resource back.
    Unlock(u16),
    /// It, or a handler, has spawned this task; whether there was room.
    Spawn {
        /// The spawned task.
        task: u16,
        /// Whether there was room.
        accepted: bool,
    },
    /// The platform took the core for so many cycles.
    Gap(u64),
    /// The counter went back by so many cycles.
    StepBack(u64),
}

/// The number of no task: what happens at the idle level.
pub const IDLE: u16 = u16::MAX;

/// One line of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Cycles since tick 0.
    pub at: u64,
    /// Number of the task, or [`IDLE`].
    pub task: u16,
    /// Number of the job among its task's, from 0.
    pub job: u32,
    /// What happened.
    pub what: What,
}

/// The names that a record's numbers stand for.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Tasks.
    pub tasks: Vec<&'static str>,
    /// Resources.
    pub resources: Vec<&'static str>,
}

#[derive(Clone, Copy)]
struct Running {
    task: u16,
    job: u32,
    preempted: bool,
}

/// Writes the record while the core runs.
#[derive(Default)]
pub(crate) struct Recorder {
    pub entries: Vec<Entry>,
    stack: Vec<Running>,
    jobs: Vec<u32>,
}

impl Recorder {
    pub fn new(tasks: usize) -> Self {
        Self {
            entries: Vec::with_capacity(256),
            stack: Vec::new(),
            jobs: vec![0; tasks],
        }
    }

    /// A job starts. Returns its number.
    pub fn start(&mut self, at: u64, task: u16, release: u64, value: u64) -> u32 {
        if let Some(below) = self.stack.last_mut().filter(|below| !below.preempted) {
            below.preempted = true;
            let Running { task, job, .. } = *below;
            self.entries.push(Entry {
                at,
                task,
                job,
                what: What::Preempt,
            });
        }
        let count = &mut self.jobs[usize::from(task)];
        let job = *count;
        *count += 1;
        self.stack.push(Running {
            task,
            job,
            preempted: false,
        });
        self.entries.push(Entry {
            at,
            task,
            job,
            what: What::Start { release, value },
        });
        job
    }

    /// The job on top of the stack does something.
    pub fn add(&mut self, at: u64, what: What) {
        self.resume(at);
        let (task, job) = self
            .stack
            .last()
            .map_or((IDLE, 0), |top| (top.task, top.job));
        self.entries.push(Entry {
            at,
            task,
            job,
            what,
        });
    }

    /// The job on top of the stack ends.
    pub fn end(&mut self, at: u64) {
        self.add(at, What::End);
        self.stack.pop();
    }

    /// The job on top of the stack goes on, if it was preempted.
    pub fn resume(&mut self, at: u64) {
        if let Some(top) = self.stack.last_mut().filter(|top| top.preempted) {
            top.preempted = false;
            let Running { task, job, .. } = *top;
            self.entries.push(Entry {
                at,
                task,
                job,
                what: What::Resume,
            });
        }
    }

    /// Jobs that have started and not ended.
    pub fn depth(&self) -> usize {
        self.stack.len()
    }
}

/// The record as text: time in us since tick 0, task and job, what happened. A run's expected output.
pub(crate) fn render(entries: &[Entry], names: &Names, hz: u64) -> String {
    let mut text = String::new();
    for entry in entries {
        let name = |task: u16| {
            names
                .tasks
                .get(usize::from(task))
                .copied()
                .unwrap_or("idle")
        };
        let resource = |number: u16| {
            names
                .resources
                .get(usize::from(number))
                .copied()
                .unwrap_or("?")
        };
        let what = match entry.what {
            What::Start { release, .. } if release == entry.at => "start".into(),
            What::Start { release, .. } => format!(
                "start, {} late",
                micros(entry.at.saturating_sub(release), hz)
            ),
            What::Preempt => "preempted".into(),
            What::Resume => "resume".into(),
            What::End => "end".into(),
            What::Lock(number) => format!("lock {}", resource(number)),
            What::Unlock(number) => format!("unlock {}", resource(number)),
            What::Spawn {
                task,
                accepted: true,
            } => format!("spawn {}", name(task)),
            What::Spawn {
                task,
                accepted: false,
            } => format!("spawn {}: full", name(task)),
            What::Gap(cycles) => format!("gap of {}", micros(cycles, hz)),
            What::StepBack(cycles) => format!("clock back by {}", micros(cycles, hz)),
        };
        let who = match entry.task {
            IDLE => String::from("idle"),
            task => format!("{}#{}", name(task), entry.job),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:>12} {who:<14} {what}", micros(entry.at, hz));
    }
    text
}

/// Cycles as us with three decimals.
pub(crate) fn micros(cycles: u64, hz: u64) -> String {
    let nanos = u128::from(cycles) * 1_000_000_000 / u128::from(hz);
    format!("{}.{:03}", nanos / 1_000, nanos % 1_000)
}
