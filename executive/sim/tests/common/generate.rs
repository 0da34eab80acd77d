//! Random task sets whose bounds are known.

use offsched::ExtU64;
use offsched::rt::Release;
use offsched_analysis as analysis;
use offsched_sim::{Config, Pattern, Random, SetTask, Step, TaskSet};

/// The largest set to make: a failure is looked for again among smaller ones.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// 2 or more.
    pub tasks: u64,
    /// 0 or more.
    pub resources: u64,
    /// Length of the run, us.
    pub length_us: u64,
}

impl Size {
    /// The size of ordinary sets.
    pub const FULL: Size = Size {
        tasks: 12,
        resources: 4,
        length_us: 4_000,
    };
}

const TASKS: [&str; 12] = [
    "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11",
];
const RESOURCES: [&str; 4] = ["r0", "r1", "r2", "r3"];

/// One random set, with what is known about it.
pub struct Case {
    /// The set.
    pub set: TaskSet,
    /// How it is to be run.
    pub config: Config,
    /// The analysis' report.
    pub report: analysis::Report,
    /// Bounds on the response time in ns.
    pub bounds: Vec<Option<u64>>,
    /// Tasks whose responses count from the nominal time in their messages.
    pub nominal: Vec<bool>,
    /// All tasks start together and always execute for their whole budget; no resources.
    pub critical: bool,
    /// Nothing arrives from outside or is spawned after this, in ns.
    pub quiet_ns: u64,
}

/// Makes a set from a seed.
pub fn case(seed: u64, size: Size) -> Case {
    let mut random = Random::new(seed);
    let critical = random.chance(15);
    let tasks = random.between(2, size.tasks) as usize;
    let resources = if critical {
        0
    } else {
        random.between(0, size.resources)
    };
    let levels = random.between(1, 8);
    let shares = shares(&mut random, tasks);
    let mut maker = Maker {
        random,
        critical,
        resources,
        quiet_ns: size.length_us * 600,
        nominal: Vec::new(),
    };
    let mut set = TaskSet::default();
    let mut declared = analysis::TaskSet::new(0);
    for (name, share) in TASKS.iter().copied().zip(shares) {
        let level = if maker.random.chance(3) {
            63
        } else {
            maker.random.between(1, levels) as u8
        };
        let (task, mut known) = maker.task(name, level, share);
        let holds = holds(&task.script, resources);
        for (number, ns) in holds.iter().enumerate().filter(|(_, ns)| **ns > 0) {
            known = known.locks(RESOURCES[number], Some(*ns));
        }
        set.add(task);
        declared.tasks.push(known);
    }
    let report = declared.analyse();
    for name in RESOURCES.iter().take(resources as usize) {
        set.resource(name, report.ceiling(name).unwrap_or(1));
    }
    maker.add_spawns(&mut set);
    let bounds: Vec<_> = report
        .tasks
        .iter()
        .map(|task| task.bound_ns().and_then(|ns| u64::try_from(ns).ok()))
        .collect();
    maker.add_deadlines(&mut set, &bounds);
    let mut config = Config::new(size.length_us.micros());
    config.seed = seed;
    Case {
        set,
        config,
        report,
        bounds,
        nominal: maker.nominal,
        critical,
        quiet_ns: maker.quiet_ns,
    }
}

/// Shares of the core for each task, all together 20 to 98 percent, in parts of a million.
///
/// Source: E. Bini and G. Buttazzo, "Measuring the performance of schedulability tests", Real-Time Systems 30, 2005
/// (drawn here as gaps between sorted random points, which is the same distribution).
fn shares(random: &mut Random, tasks: usize) -> Vec<u64> {
    let total = random.between(200_000, 980_000);
    let mut points: Vec<u64> = (1..tasks).map(|_| random.below(total)).collect();
    points.extend([0, total]);
    points.sort_unstable();
    points.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

struct Maker {
    random: Random,
    critical: bool,
    resources: u64,
    quiet_ns: u64,
    nominal: Vec<bool>,
}

impl Maker {
    /// One task that takes `share` millionths of the core, and its declaration for the analysis.
    fn task(&mut self, name: &'static str, level: u8, share: u64) -> (SetTask, analysis::Task) {
        let interval_us = 50 << self.random.below(5);
        let interval_us = interval_us + self.random.below(interval_us);
        let budget_ns = (interval_us * share / 1_000).max(200);
        let kind = if self.critical {
            0
        } else {
            self.random.below(10)
        };
        let mut known = analysis::Task::new(name, level)
            .every_us(interval_us)
            .budget_ns(budget_ns);
        let task = match kind {
            0..5 => {
                let offset = if self.critical {
                    0
                } else {
                    self.random.below(2 * interval_us) as u32
                };
                SetTask::periodic(name, level, interval_us as u32)
                    .offset_us(offset)
                    .capacity(1_000)
            }
            5..8 => {
                let task = SetTask::event(name, level, interval_us as u32)
                    .capacity(self.random.between(1, 8) as u16);
                let pattern = self.spaced(interval_us * 1_000);
                task.arrives(pattern)
            }
            _ => {
                // Not kept apart by the executive, but by its arrivals, up to their jitter.
                let jitter_us = self.random.below(interval_us * 2);
                known = known.jitter_us(jitter_us);
                let offset_ns = self.random.below(interval_us * 1_000);
                let pattern = Pattern::Periodic {
                    period_ns: interval_us * 1_000,
                    offset_ns,
                    jitter_ns: jitter_us * 1_000,
                };
                SetTask::event(name, level, 0).capacity(64).arrives(pattern)
            }
        };
        self.nominal.push(kind >= 8);
        let mut task = task.budget_ns(budget_ns);
        task.least_percent = if self.critical {
            100
        } else {
            self.random.between(0, 100)
        };
        task.script = self.script(budget_ns, &mut Vec::new());
        (task, known)
    }

    /// Arrivals for a task whose distance the executive keeps.
    fn spaced(&mut self, interval_ns: u64) -> Pattern {
        let offset_ns = self.random.below(interval_ns);
        match self.random.below(3) {
            0 => Pattern::Sporadic {
                min_ns: interval_ns,
                extra_ns: interval_ns / 2,
                offset_ns,
            },
            1 => Pattern::Periodic {
                period_ns: interval_ns,
                offset_ns,
                jitter_ns: self.random.below(interval_ns),
            },
            _ => Pattern::Burst {
                every_ns: interval_ns * 3,
                count: self.random.between(2, 3) as u32,
                offset_ns,
            },
        }
    }

    /// Steps that work for `ns` together, some of them in nested sections.
    fn script(&mut self, ns: u64, held: &mut Vec<u16>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut left = ns;
        while left > 0 {
            let part = if self.random.chance(40) {
                left
            } else {
                self.random.between(1, left)
            };
            let resource = self.random.below(self.resources.max(1)) as u16;
            if self.resources > 0 && self.random.chance(50) && !held.contains(&resource) {
                held.push(resource);
                steps.push(Step::Lock(resource, self.script(part, held)));
                held.pop();
            } else {
                steps.push(Step::Work(part));
            }
            left -= part;
        }
        steps
    }

    /// Lets some jobs spawn event tasks that the executive keeps apart.
    fn add_spawns(&mut self, set: &mut TaskSet) {
        let paced = |task: &SetTask| matches!(task.release, Release::Event { min_interval_us } if min_interval_us > 0);
        let targets: Vec<u16> = (0..set.tasks.len())
            .filter(|&i| paced(&set.tasks[i]))
            .map(|i| i as u16)
            .collect();
        for target in targets {
            if self.random.chance(50) {
                let quiet = self.quiet_ns;
                let spawn = Step::call(move |body| {
                    if body.now() < quiet {
                        // A refusal is counted, and the check compares the counters.
                        let _ = body.spawn(target, body.now());
                    }
                });
                let from = self.random.below(set.tasks.len() as u64) as usize;
                let script = &mut set.tasks[from].script;
                let at = self.random.below(script.len() as u64 + 1) as usize;
                match script.get_mut(at) {
                    Some(Step::Lock(_, inner)) => inner.push(spawn),
                    _ => script.insert(at, spawn),
                }
            }
        }
    }

    /// Deadlines around the bounds: some are missed.
    fn add_deadlines(&mut self, set: &mut TaskSet, bounds: &[Option<u64>]) {
        for (task, bound) in set.tasks.iter_mut().zip(bounds) {
            if let Some(bound) = bound
                && self.random.chance(70)
            {
                let us = bound.div_ceil(1_000);
                task.deadline_us = Some(self.random.between(us / 4, us + 10).max(1) as u32);
            }
        }
    }
}

/// The longest section on each resource, in ns.
fn holds(script: &[Step], resources: u64) -> Vec<u64> {
    fn length(steps: &[Step], longest: &mut [u64]) -> u64 {
        let mut sum = 0;
        for step in steps {
            sum += match step {
                Step::Work(ns) => *ns,
                Step::Lock(resource, steps) => {
                    let ns = length(steps, longest);
                    let longest = &mut longest[usize::from(*resource)];
                    *longest = ns.max(*longest);
                    ns
                }
                _ => 0,
            };
        }
        sum
    }
    let mut longest = vec![0; resources as usize];
    length(script, &mut longest);
    longest
}
