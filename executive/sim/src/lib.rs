//! The simulated core: the executive in virtual time, seeded and deterministic.
//!
//! The executive's own code runs, unchanged, on a port whose clock is a
//! number. Time passes only where something says so ([`work`], a pause, an
//! idle stretch, the configured [`Costs`]), so a run of seconds takes
//! milliseconds, and two runs of one [`Config`] are the same to the cycle.
//!
//! Two things can run:
//! - an app, by its type: [`run`];
//! - a [`TaskSet`] that is built at run time from scripts, for tests that want
//!   thousands of them.
//!
//! Either leaves a [`Run`]: who ran when, as data and as text, the console's
//! output, and the telemetry.
//!
//! ```
//! use offsched::ExtU64;
//! use offsched_sim::{Config, SetTask, Step, TaskSet};
//!
//! let mut set = TaskSet::default();
//! set.add(SetTask::periodic("high", 2, 100).offset_us(5).does(vec![Step::Work(2_000)]));
//! set.add(SetTask::periodic("low", 1, 100).does(vec![Step::Work(10_000)]));
//! let run = set.run(&Config::new(100.micros())).unwrap();
//! assert_eq!(
//!     run.text(),
//!     "       0.000 low#0          start
//!        5.000 low#0          preempted
//!        5.000 high#0         start
//!        7.000 high#0         end
//!        7.000 low#0          resume
//!       12.000 low#0          end
//! ",
//! );
//! ```
#![deny(unsafe_code)]

mod access;
mod app;
mod bodies;
mod channels;
mod config;
mod machine;
mod port;
mod random;
mod record;
mod run;
mod script;
mod set;
mod stack;

pub use app::run;
pub use bodies::CAPACITY_MAX;
pub use channels::{channel, doorbell};
pub use config::{Arrival, Config, Costs, Event, Execution, Inject, Pattern};
pub use random::Random;
pub use record::{Entry, IDLE, Names, What};
pub use run::{Counters, Run, since_start, work};
pub use script::{Action, Body, Step};
pub use set::{SetTask, TaskSet};
pub use stack::own_stack;
