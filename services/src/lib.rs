//! Services that run on an offloaded core: each a group of tasks, resources
//! and channels that an app includes by name.
//!
//! ```
//! #[offsched::app(services = [timer = offsched_services::timer { base = 8 }])]
//! mod app {
//!     #[init]
//!     fn init(_: init::Context) {}
//! }
//! # fn main() {}
//! ```
//!
//! A service names no port: the same code runs bare, hosted and simulated.
//!
//! | service | for |
//! | --- | --- |
//! | [`timer`] | one-shot and periodic timers with a tick of 1 us, for applications |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

// A service's module shares its name with the macro by which apps include it, so it is re-exported from a module of
// another name.
#[path = "timer/service.rs"]
mod timer_service;

pub use timer_service::timer;
