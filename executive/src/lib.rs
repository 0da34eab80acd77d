//! `offsched`: a small real-time executive for a CPU core taken out of Linux.
//!
//! One stack, static priorities, run-to-completion tasks, resources guarded by
//! ceilings (the stack resource policy in software), a schedule in ticks of
//! 1 us. The crate has no heap, no architecture code and names no hardware: a
//! [`Port`] tells it the time and calls [`Core::interrupt`] when an alarm goes
//! off. The same code runs bare on an offloaded core, hosted on a pinned Linux
//! thread, and in the simulator.
//!
//! Applications are written with the attributes [`app`] and [`service`]:
//!
//! ```
//! #[offsched::app]
//! mod app {
//!     use offsched::Mutex;
//!
//!     #[shared]
//!     struct Shared {
//!         total: u64,
//!     }
//!
//!     #[init]
//!     fn init(_: init::Context) -> Shared {
//!         Shared { total: 0 }
//!     }
//!
//!     #[task(priority = 2, period = 100us, budget = 5us, shared = [total])]
//!     fn sample(mut cx: sample::Context) {
//!         cx.shared.total.lock(|total| *total += 1);
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Who touches what
//! Everything in [`Core`] belongs to one core. Code on the core reaches it at
//! some ceiling; an interrupt that finds the kernel's ceiling only leaves a
//! note ([`ceiling`]). So all state is plain cells, and the two words that an
//! interrupt reads are the only ones where order matters.
#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

mod account;
pub mod ceiling;
mod channel;
mod console;
mod core;
mod delay;
mod dispatch;
mod here;
mod idle;
mod image;
mod inbox;
mod lock;
pub mod log;
mod mail;
pub mod port;
mod ready;
mod release;
#[doc(hidden)]
pub mod rt;
mod setup;
mod slots;
mod spawn;
mod task;
pub mod time;
pub mod wheel;

pub use crate::channel::{Channel, ChannelDecl, ChannelSlot, ClientId, Mail};
pub use crate::console::Console;
pub use crate::core::Core;
pub use crate::delay::Delay;
pub use crate::image::{App, IdlePolicy, Image, needs, service_entries};
pub use crate::lock::Lock;
pub use crate::port::Port;
pub use crate::setup::{Memory, Outcome, Setup, StartError};
pub use crate::spawn::{Gone, Handle, Reason, Rejected, Spawner};
pub use crate::task::OnMiss;
pub use crate::time::{Clock, Duration, Instant};

pub use fugit::ExtU64;
pub use offsched_abi as abi;
pub use offsched_abi::message::{self, Message};
pub use offsched_macros::{Message, app, service};
pub use rtic_core::Mutex;
