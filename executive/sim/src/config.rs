//! What a simulated run is given: the clock, its costs, how long, and what happens meanwhile.

use std::fmt;
use std::sync::Arc;

use offsched::Duration;

use crate::random::Random;

/// A simulated run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Seed of everything random.
    pub seed: u64,
    /// Cycles a second of the virtual counter.
    pub hz: u64,
    /// What the counter shows when the core starts, in cycles; not 0.
    pub start: u64,
    /// The core is asked to stop this long after tick 0.
    pub length: Duration,
    /// Idle stretches longer than this are gaps, in ns.
    pub gap_ns: u64,
    /// Budgets shorter than this are not watched by the alarm, in cycles.
    pub watch_min: u64,
    /// What the port's own calls take.
    pub costs: Costs,
    /// How far a pause in a task's wait loop goes, in cycles; not 0.
    pub quantum: u64,
    /// What happens and when, in ns since tick 0; in any order.
    pub events: Vec<(u64, Event)>,
    /// An interrupt put into one of the run's interrupt points.
    pub inject: Option<Inject>,
    /// Execution times by task, for apps.
    pub execution: Vec<(String, Execution)>,
}

/// What the port's own calls take, in cycles of virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Reading the clock.
    pub now: u64,
    /// Setting the alarm.
    pub arm: u64,
    /// From an alarm or doorbell to the executive.
    pub interrupt: u64,
    /// The turn of an idle function, besides what it works; at least 1.
    pub idle_turn: u64,
}

impl Default for Costs {
    /// No cost at all, but for turns of an idle function: without one, time would stand still.
    fn default() -> Self {
        Self {
            now: 0,
            arm: 0,
            interrupt: 0,
            idle_turn: 1_000,
        }
    }
}

/// Something that happens to the simulated core from outside.
#[derive(Clone)]
pub enum Event {
    /// The platform takes the core for this long, in ns: time passes and nothing runs.
    Gap(u64),
    /// The counter goes back by this much, in ns.
    StepBack(u64),
    /// An interrupt for nothing.
    Interrupt,
    /// The core is asked to stop.
    Stop,
    /// An event task of a [`TaskSet`](crate::TaskSet) is spawned: its number and the message.
    Spawn(u16, u64),
    /// A doorbell's handler, for apps: typically spawns a task. Runs on the core, on the stack of what it interrupted.
    Call(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap(ns) => write!(f, "Gap({ns})"),
            Self::StepBack(ns) => write!(f, "StepBack({ns})"),
            Self::Interrupt => f.write_str("Interrupt"),
            Self::Stop => f.write_str("Stop"),
            Self::Spawn(task, value) => write!(f, "Spawn({task}, {value})"),
            Self::Call(_) => f.write_str("Call"),
        }
    }
}

/// An interrupt at a numbered point: the `point`-th call of the executive into the port's clock or alarm.
#[derive(Clone, Debug)]
pub struct Inject {
    /// The call, counted from 0 over the whole run.
    pub point: u64,
    /// What comes with the interrupt. An event that runs a handler takes effect as soon as the executive's own section
    /// is over and virtual time goes on.
    pub event: Event,
}

/// How long a job executes, in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// Always the same.
    Fixed(u64),
    /// Anything from the first to the second.
    Between(u64, u64),
}

impl Execution {
    /// One job's execution time in ns.
    pub(crate) fn draw(self, random: &mut Random) -> u64 {
        match self {
            Self::Fixed(ns) => ns,
            Self::Between(low, high) => random.between(low, high),
        }
    }
}

impl Config {
    /// A run of this length on a counter of 1 GHz (1 cycle = 1 ns) whose calls take no time.
    pub fn new(length: Duration) -> Self {
        Self {
            seed: 0,
            hz: 1_000_000_000,
            start: 1_000_000,
            length,
            gap_ns: 1_000,
            watch_min: 0,
            costs: Costs::default(),
            quantum: 100,
            events: Vec::new(),
            inject: None,
            execution: Vec::new(),
        }
    }

    /// Adds something that happens `ns` after tick 0.
    #[must_use]
    pub fn at(mut self, ns: u64, event: Event) -> Self {
        self.events.push((ns, event));
        self
    }

    /// Adds a handler that is called `ns` after tick 0.
    #[must_use]
    pub fn call_at(self, ns: u64, handler: impl Fn() + Send + Sync + 'static) -> Self {
        self.at(ns, Event::Call(Arc::new(handler)))
    }

    /// Adds a handler that is called at every arrival of a pattern.
    #[must_use]
    pub fn call_on(mut self, pattern: Pattern, handler: impl Fn() + Send + Sync + 'static) -> Self {
        let handler = Arc::new(handler);
        let mut random = Random::fork(self.seed, self.events.len() as u64);
        for arrival in pattern.arrivals(&mut random, self.length) {
            self.events
                .push((arrival.at_ns, Event::Call(handler.clone())));
        }
        self
    }

    /// Lets the jobs of a task execute for so long, after the task's own function.
    #[must_use]
    pub fn executes(mut self, task: &str, execution: Execution) -> Self {
        self.execution.push((task.into(), execution));
        self
    }
}

/// When something arrives from outside, again and again. All times in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Every `period_ns` from `offset_ns` on, each up to `jitter_ns` late, in order.
    Periodic {
        /// Distance of the nominal times.
        period_ns: u64,
        /// The first nominal time.
        offset_ns: u64,
        /// The latest that an arrival comes after its nominal time.
        jitter_ns: u64,
    },
    /// At least `min_ns` apart, and up to `extra_ns` more.
    Sporadic {
        /// Least distance.
        min_ns: u64,
        /// The most that is added to it.
        extra_ns: u64,
        /// The first arrival.
        offset_ns: u64,
    },
    /// `count` arrivals at once, every `every_ns`.
    Burst {
        /// Distance of the bursts.
        every_ns: u64,
        /// Arrivals in a burst.
        count: u32,
        /// The first burst.
        offset_ns: u64,
    },
}

/// One arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it should have come, ns since tick 0.
    pub nominal_ns: u64,
    /// When it comes.
    pub at_ns: u64,
}

impl Pattern {
    /// The arrivals of a run of this length.
    pub fn arrivals(self, random: &mut Random, length: Duration) -> Vec<Arrival> {
        let end = length.as_ticks().saturating_mul(1_000);
        let mut arrivals = Vec::new();
        let (Self::Periodic { offset_ns, .. }
        | Self::Sporadic { offset_ns, .. }
        | Self::Burst { offset_ns, .. }) = self;
        let mut nominal_ns = offset_ns;
        while nominal_ns < end {
            let (count, late, distance) = match self {
                Self::Periodic {
                    period_ns,
                    jitter_ns,
                    ..
                } => (1, random.between(0, jitter_ns), period_ns),
                Self::Sporadic {
                    min_ns, extra_ns, ..
                } => (1, 0, min_ns + random.between(0, extra_ns)),
                Self::Burst {
                    every_ns, count, ..
                } => (count, 0, every_ns),
            };
            // One that is very late holds up those after it: they do not overtake.
            let before = arrivals.last().map_or(0, |arrival: &Arrival| arrival.at_ns);
            let at_ns = before.max(nominal_ns + late);
            arrivals.extend((0..count).map(|_| Arrival { nominal_ns, at_ns }));
            nominal_ns += distance.max(1);
        }
        arrivals
    }
}
