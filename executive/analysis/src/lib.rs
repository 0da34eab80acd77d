//! Response-time analysis for static-priority task sets on one core.
//!
//! The same numbers are wanted in three places: by the macro, which refuses to compile an app that can miss a
//! deadline, by `offsched analyse`, which prints them, and by the simulator's tests, which check that no run ever
//! passes a bound. So the analysis is a crate of its own, with no dependencies and no idea of where it is used.
//!
//! The scheduling it models is the executive's: levels 1..=63 where larger is more urgent, jobs of one level in the
//! order of their release and never preempting each other, resources locked under the stack resource policy.
//!
//! Sources: Joseph & Pandya 1986 (the recurrence), Lehoczky 1990 (deadlines beyond the period), Baker 1991 (blocking,
//! once a job), Audsley, Burns, Richardson, Tindell & Wellings 1993, Tindell, Burns & Wellings 1994 (release jitter).
//!
//! ```
//! use offsched_analysis::{Task, TaskSet, Verdict};
//!
//! let mut set = TaskSet::new(0);
//! set.tasks.push(Task::new("control", 2).every_us(100).budget_ns(40_000).deadline_us(100));
//! set.tasks.push(Task::new("log", 1).every_us(200).budget_ns(50_000).deadline_us(120));
//! let report = set.analyse();
//! assert_eq!(report.task("log").unwrap().bound_ns(), Some(90_000));
//! assert_eq!(report.task("log").unwrap().verdict, Verdict::Meets);
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod ceiling;
mod model;
mod report;
mod response;
mod table;

pub use ceiling::{Blocking, Ceiling};
pub use model::{Hold, Task, TaskSet};
pub use report::{Contributor, NoBound, Report, Source, TaskReport, Verdict};
pub use table::Time;
