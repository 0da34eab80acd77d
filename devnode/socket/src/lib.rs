//! The hosted device: what `/dev/offsched` is to a real offloaded core, a Unix socket is to a core
//! that is a pinned thread of this process.
//!
//! ```text
//!  this process                                        an application
//!  Device: region + channels, mapped for the core
//!  Server: a thread -------- socket ------------------ connection (one per channel)
//!            hello  ->  region, read-only
//!            bind   ->  channel pages, wake-up eventfd, doorbell eventfd
//!            hang-up, or the end of the process that connected
//!                    -> the channel is free, for the next with a new epoch
//! ```
//!
//! # What an application can do
//! It gets the region read-only (sealed against writing, also by re-opening it) and the pages of
//! its own channel, whose size is sealed, so that nobody can take pages away under the core. Pages
//! and eventfds are new for every binding: an application that keeps its old ones, or passes them
//! on, reaches nothing that anybody else uses. The server never waits for one application and
//! answers only whole requests of the right size.
//!
//! Who may reach the device at all is a matter of the socket's folder and mode; a service can be limited
//! to groups beyond that ([`Limit`]).
//!
//! It can still press its doorbell as fast as it likes, and punch holes into its own pages, which
//! costs the core a page fault. The kernel's device has neither weakness; a port should bound how
//! often a doorbell interrupts the core.
//!
//! # The core's side
//! [`Device::core_end`] is the core's end of a channel; [`Device::ring`] may be called by the core
//! thread at any level, also in a signal handler.

mod device;
mod error;
mod map;
mod path;
mod peer;
mod server;
mod wire;

pub use device::{Device, DeviceSpec, Limit, ServiceSpec};
pub use error::DeviceError;
pub use path::default_path;
pub use server::Server;
