//! The recurrence that bounds a task's response time.
//!
//! For the q-th job of a busy period of task i, counted from 0,
//!
//! ```text
//! w_q = B_i + (q+1)(C_i+o) + sum over j with level_j >= level_i, j != i, of ceil((J_j + w_q) / T_j)(C_j+o)
//! R_i = max over q of (J_i + w_q - q T_i), as long as w_q + J_i > (q+1) T_i
//! ```
//!
//! Tasks of the same level count as interference, since they are served in order of release. All arithmetic is
//! `u128` and saturating: absurd declarations give absurd bounds, never a wrapped and harmless-looking one.
//!
//! Where a declaration is missing, the same recurrence over what is declared gives a lower bound of R. Each part of w_q
//! is then one that jobs of declared length and distance do cause:
//!
//! - no budget: its jobs take the overhead alone;
//! - no least interval: it need not be released at all; of its own jobs there is one, of which the bound speaks;
//! - no hold declared: the lock may be held for no time, even where the budget stands in for it in the upper bound;
//! - same level: only jobs released no later than the q-th come before it. The term above counts those after it too,
//!   which is safe in an upper bound only.
//!
//! With less demand every w_q is less and the busy period ends no later, so R is not above that of any completed set.

use alloc::vec::Vec;

use crate::ceiling::Blocking;
use crate::model::{Task, TaskSet};
use crate::report::{Contributor, NoBound, Source};

/// Steps of the recurrence spent on one task before the analysis gives up on it.
const STEPS_MAX: u32 = 100_000;

/// Fixed-point one for utilisations. Budget plus overhead fit 65 bits, so 62 more still fit a `u128`.
const ONE: u128 = 1 << 62;

/// One task's cost and rate as the recurrence sees them.
struct Load {
    task: usize,
    cost_ns: u128,
    interval_ns: u128,
    jitter_ns: u128,
    /// Only its jobs released no later than the job in question count.
    until_release: bool,
}

impl Load {
    /// What this load takes of a busy window of `w` nanoseconds.
    fn in_window(&self, w: u128) -> u128 {
        let jobs = self.jitter_ns.saturating_add(w).div_ceil(self.interval_ns);
        jobs.saturating_mul(self.cost_ns)
    }

    /// What its jobs take that are released up to the time `t` of the busy period, and at it.
    fn released_by(&self, t: u128) -> u128 {
        let later = self.jitter_ns.saturating_add(t) / self.interval_ns;
        later.saturating_add(1).saturating_mul(self.cost_ns)
    }
}

/// A bound, or why there is none, and what the time goes to.
pub(crate) struct Response {
    pub bound: Result<u128, NoBound>,
    pub largest: Option<Contributor>,
}

/// The busy period of one task: its own load, and everything that can delay it.
struct Busy<'a> {
    set: &'a TaskSet,
    own: Load,
    others: Vec<Load>,
    blocking: Option<&'a Blocking>,
}

/// One job of a busy period: the q-th, done `w` nanoseconds after the period began.
#[derive(Clone, Copy)]
struct Job {
    q: u128,
    w: u128,
}

/// Bounds the response time of task `index`.
///
/// # Errors
/// The declaration without which that cannot be done.
pub(crate) fn bound(
    set: &TaskSet,
    index: usize,
    blocking: Option<&Blocking>,
) -> Result<Response, NoBound> {
    let busy = Busy {
        set,
        own: load(set, index)?,
        others: interference(set, index)
            .map(|(j, _)| load(set, j))
            .collect::<Result<_, _>>()?,
        blocking,
    };
    Ok(busy.bound())
}

/// The same over what is declared alone: a lower bound of the bound. `blocking` is the longest declared hold.
pub(crate) fn at_least(set: &TaskSet, index: usize, blocking: Option<&Blocking>) -> Response {
    let level = set.tasks[index].level;
    let others = interference(set, index).filter_map(|(j, task)| {
        let load = known_load(set, j, task.interval_ns()?);
        Some(Load {
            until_release: task.level == level,
            ..load
        })
    });
    let own_interval_ns = set.tasks[index].interval_ns().unwrap_or(u128::MAX);
    let busy = Busy {
        set,
        own: known_load(set, index, own_interval_ns),
        others: others.collect(),
        blocking,
    };
    busy.bound()
}

impl Busy<'_> {
    fn bound(&self) -> Response {
        self.overload().unwrap_or_else(|| self.follow())
    }

    /// Walks through the jobs of the busy period and keeps the worst.
    fn follow(&self) -> Response {
        let mut job = Job {
            q: 0,
            w: self.own.cost_ns.max(1),
        };
        let mut worst = job;
        for _ in 0..STEPS_MAX {
            let next = self.demand(job);
            if next > job.w {
                job.w = next;
                continue;
            }
            if self.response(job) > self.response(worst) || job.q == 0 {
                worst = job;
            }
            let next_release = (job.q + 1).saturating_mul(self.own.interval_ns);
            if job.w.saturating_add(self.own.jitter_ns) <= next_release {
                return Response {
                    bound: Ok(self.response(worst)),
                    largest: self.largest(worst, |load| self.taken(load, worst)),
                };
            }
            job.q += 1;
            job.w = job.w.saturating_add(self.own.cost_ns);
        }
        let at_least_ns = self.response(job).max(self.response(worst));
        Response {
            bound: Err(NoBound::GaveUp { at_least_ns }),
            largest: self.largest(job, |load| self.taken(load, job)),
        }
    }

    /// The right-hand side of the recurrence.
    fn demand(&self, job: Job) -> u128 {
        let blocked_ns = self.blocking.map_or(0, |b| u128::from(b.ns));
        let own = self.own.cost_ns.saturating_mul(job.q + 1);
        self.others
            .iter()
            .map(|load| self.taken(load, job))
            .fold(blocked_ns.saturating_add(own), u128::saturating_add)
    }

    /// What a load takes of the time until this job is done.
    fn taken(&self, load: &Load, job: Job) -> u128 {
        if load.until_release {
            let nominal = job.q.saturating_mul(self.own.interval_ns);
            load.released_by(nominal.saturating_sub(self.own.jitter_ns))
        } else {
            load.in_window(job.w)
        }
    }

    /// Response time of a job that is done at `w`, from its nominal release.
    fn response(&self, job: Job) -> u128 {
        let released = job.q.saturating_mul(self.own.interval_ns);
        let done = self.own.jitter_ns.saturating_add(job.w);
        done.saturating_sub(released)
    }

    /// Refuses a set that asks for more than the whole core: its backlog grows for ever.
    fn overload(&self) -> Option<Response> {
        let all = self.others.iter().chain(core::iter::once(&self.own));
        let share = |load: &Load| load.cost_ns.saturating_mul(ONE) / load.interval_ns;
        let sum = all.map(share).fold(0, u128::saturating_add);
        if sum <= ONE {
            return None;
        }
        // Which is the hungriest? Compared over one deadline of the task, which is what the reader knows.
        let deadline_ns = self.set.tasks[self.own.task].deadline_ns();
        let window = Job {
            q: 0,
            w: deadline_ns.unwrap_or(self.own.interval_ns),
        };
        let percent = sum.saturating_mul(100).div_ceil(ONE);
        Some(Response {
            bound: Err(NoBound::Overload {
                percent: u64::try_from(percent).unwrap_or(u64::MAX),
            }),
            largest: self.largest(window, |load| load.in_window(window.w)),
        })
    }

    /// The largest part of the busy period up to the end of this job, of equal ones the first.
    fn largest(&self, job: Job, taken: impl Fn(&Load) -> u128) -> Option<Contributor> {
        let mut parts = Vec::from([
            Contributor {
                source: Source::Own,
                ns: self.own.cost_ns.saturating_mul(job.q + 1),
            },
            Contributor {
                source: Source::Jitter,
                ns: self.own.jitter_ns,
            },
        ]);
        parts.extend(self.blocking.map(|b| Contributor {
            source: Source::Blocking(b.clone()),
            ns: u128::from(b.ns),
        }));
        parts.extend(self.others.iter().map(|load| Contributor {
            source: Source::Task(self.set.tasks[load.task].name.clone()),
            ns: taken(load),
        }));
        parts
            .into_iter()
            .reduce(|best, part| if part.ns > best.ns { part } else { best })
    }
}

/// Cost and rate of one task, or which of its declarations is missing.
fn load(set: &TaskSet, index: usize) -> Result<Load, NoBound> {
    let task = &set.tasks[index];
    if task.budget_ns.is_none() {
        return Err(NoBound::NoBudget {
            task: task.name.clone(),
        });
    }
    let interval_ns = task.interval_ns().ok_or_else(|| NoBound::NoInterval {
        task: task.name.clone(),
    })?;
    Ok(known_load(set, index, interval_ns))
}

/// Cost and rate of one task as far as the cost is known.
fn known_load(set: &TaskSet, index: usize, interval_ns: u128) -> Load {
    let task = &set.tasks[index];
    Load {
        task: index,
        cost_ns: u128::from(task.budget_ns.unwrap_or(0)) + u128::from(set.overhead_ns),
        interval_ns,
        jitter_ns: task.jitter_ns(),
        until_release: false,
    }
}

/// All other tasks at or above the level of task `index`.
fn interference(set: &TaskSet, index: usize) -> impl Iterator<Item = (usize, &Task)> {
    let level = set.tasks[index].level;
    let tasks = set.tasks.iter().enumerate();
    tasks.filter(move |(j, task)| *j != index && task.level >= level)
}
