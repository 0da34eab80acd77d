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
}

impl Load {
    /// What this load takes of a busy window of `w` nanoseconds.
    fn in_window(&self, w: u128) -> u128 {
        let jobs = self.jitter_ns.saturating_add(w).div_ceil(self.interval_ns);
        jobs.saturating_mul(self.cost_ns)
    }
}

/// A bound, or why there is none, and what the time goes to.
pub(crate) struct Response {
    pub bound: Result<u128, NoBound>,
    /// None where a declaration is missing.
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

/// Bounds the response time of task `index`, or says why that cannot be done.
pub(crate) fn bound(set: &TaskSet, index: usize, blocking: Option<&Blocking>) -> Response {
    let (own, others) = match (load(set, index), interference(set, index)) {
        (Ok(own), Ok(others)) => (own, others),
        (Err(why), _) | (_, Err(why)) => {
            return Response {
                bound: Err(why),
                largest: None,
            };
        }
    };
    let busy = Busy {
        set,
        own,
        others,
        blocking,
    };
    busy.overload().unwrap_or_else(|| busy.follow())
}

impl Busy<'_> {
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
                    largest: largest(self.parts(worst)),
                };
            }
            job.q += 1;
            job.w = job.w.saturating_add(self.own.cost_ns);
        }
        let at_least_ns = self.response(job).max(self.response(worst));
        Response {
            bound: Err(NoBound::GaveUp { at_least_ns }),
            largest: largest(self.parts(job)),
        }
    }

    /// The right-hand side of the recurrence.
    fn demand(&self, job: Job) -> u128 {
        let blocked_ns = self.blocking.map_or(0, |b| u128::from(b.ns));
        let own = self.own.cost_ns.saturating_mul(job.q + 1);
        self.others
            .iter()
            .map(|load| load.in_window(job.w))
            .fold(blocked_ns.saturating_add(own), u128::saturating_add)
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
            largest: largest(self.parts(window)),
        })
    }

    /// What the busy period up to the end of this job consists of.
    fn parts(&self, job: Job) -> Vec<Contributor> {
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
            ns: load.in_window(job.w),
        }));
        parts
    }
}

/// Cost and rate of one task, or which of its declarations is missing.
fn load(set: &TaskSet, index: usize) -> Result<Load, NoBound> {
    let task = &set.tasks[index];
    let budget = task.budget_ns.ok_or_else(|| NoBound::NoBudget {
        task: task.name.clone(),
    })?;
    let interval_ns = task.interval_ns().ok_or_else(|| NoBound::NoInterval {
        task: task.name.clone(),
    })?;
    Ok(Load {
        task: index,
        cost_ns: u128::from(budget) + u128::from(set.overhead_ns),
        interval_ns,
        jitter_ns: task.jitter_ns(),
    })
}

/// The loads of all other tasks at or above the level of task `index`.
fn interference(set: &TaskSet, index: usize) -> Result<Vec<Load>, NoBound> {
    let level = set.tasks[index].level;
    let competes = |(j, task): &(usize, &Task)| *j != index && task.level >= level;
    set.tasks
        .iter()
        .enumerate()
        .filter(competes)
        .map(|(j, _)| load(set, j))
        .collect()
}

/// The largest part; of equal ones the first.
fn largest(parts: Vec<Contributor>) -> Option<Contributor> {
    parts
        .into_iter()
        .reduce(|best, part| if part.ns > best.ns { part } else { best })
}
