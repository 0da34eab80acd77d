//! A hosted core and its hosted device, put together: an app behind a Unix socket.
//!
//! The core's port knows no device and the device knows no port; each calls the other through
//! here. [`Served`] is both for a program that wants nothing else.
#![forbid(unsafe_code)]

mod around;
mod served;

pub use around::{Around, device_for};
pub use offsched_socket::Limit;
pub use served::{Error, Served};
