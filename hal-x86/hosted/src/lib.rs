//! The hosted port: an offsched core on a pinned Linux thread, without root.
//!
//! ```text
//!   controller                     core thread, pinned to one CPU
//!   ----------                     ------------------------------
//!   spawn::<App>() --------------> claim CPU, pin, timer, Core::run
//!     waits for init  <----------- init done
//!   Handle::doorbell() --signal--> Core::interrupt, on whatever stack is there
//!                        alarm --> the same, from a timer of this thread
//!   Running::stop() -------------> the idle loop or the running job sees it
//!   Running::join() <------------- Outcome
//! ```
//!
//! In idle the thread polls the TSC. While a job runs that a more urgent
//! release could preempt, a POSIX timer is armed whose signal comes to this
//! very thread; its handler calls [`Core::interrupt`](offsched::Core::interrupt),
//! which runs the more urgent job there and then, inside the handler, on the
//! same stack. Handlers nest (SA_NODEFER). So preemption is real, with the very
//! scheduler that runs on bare metal.
//!
//! # What a task may do
//! A job may run inside a signal handler that interrupted another job of the
//! same app. The rule of every port, that nothing on the core allocates, blocks
//! or prints through `std`, is here also what makes that sound in practice: a
//! job that holds malloc's lock when the signal comes would block the next one
//! for ever. [`Console`](offsched::Console) is safe anywhere.
//!
//! # A panic
//! ends the core, not the process, and shows at once in [`Running::outcome`]:
//! - in a job that was started from idle, in idle itself or in init: the thread
//!   unwinds out of the executive and ends;
//! - in a job that ran inside the signal handler: unwinding stops at the
//!   handler (it must never go through a signal frame), the thread gives up its
//!   CPU and sleeps for good, its stack and what was on it untouched.
//!
//! A job must not catch a panic of its own code (`catch_unwind`): while a
//! thread unwinds, its signals are let pass, so the alarm for a more urgent
//! job would be lost.
//!
//! Either way the app's statics are in an unknown state, so the same app is not
//! started again in this process ([`Error::CrashedBefore`]).
//!
//! # Figures
//! Without isolation Linux takes the CPU now and then. The executive sees that
//! as gaps and counts them apart; [`warnings()`] names what to change.
#![deny(unsafe_code)]

mod alarm;
mod boundary;
mod claim;
mod clock;
mod config;
mod cpus;
mod port;
mod running;
mod shared;
mod stack;
mod thread;
mod warnings;

pub use boundary::{Boundary, Telemetry, write_at_once};
pub use claim::runtime_dir;
pub use clock::{TimeFacts, measured_hz};
pub use config::{Config, Error};
pub use cpus::{CpuList, allowed, confine_caller};
pub use running::{Handle, Outcome, Running, run, spawn};
pub use stack::own_stack;
pub use warnings::{Warning, warnings};
