//! The client library: open the device, bind a service, send and receive.
//!
//! ```no_run
//! # use std::time::Duration;
//! # fn main() -> Result<(), offsched_client::Error> {
//! let device = offsched_client::Device::open("/run/user/1000/offsched/demo.sock")?;
//! let mut channel = device.bind("echo")?;
//! channel.send(b"hello")?;
//! let mut buf = [0; 64];
//! if let Some(len) = channel.recv_timeout(&mut buf, Duration::from_secs(1))? {
//!     println!("{:?}", &buf[..len]);
//! }
//! # Ok(()) }
//! ```
//!
//! Messages go through rings in memory shared with the core; the kernel is asked only to sleep and
//! to wake a core that said it would not look by itself. The same calls work on the kernel's device,
//! `/dev/offsched`. `unsafe` is in `map` and in `node::kernel`, and in the one call of `asynchronous` that
//! hands a descriptor to the runtime.
//!
//! Programs that run on tokio switch on the feature `tokio` and use `AsyncChannel`.
//!
//! [`Device::bind_typed`] states what the messages are, and is refused where the service means others:
//! put `#[derive(Message)]` and `#[message(crate = offsched_client)]` on structures of your own.
//!
//! When the core stops or crashes, calls return [`Error::CoreGone`], also those that wait; after a
//! restart, [`Channel::rebind`].

#![deny(unsafe_code)]

#[cfg(feature = "tokio")]
mod asynchronous;
mod channel;
mod device;
mod error;
mod map;
mod node;
mod telemetry;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncChannel;
pub use channel::Channel;
pub use device::Device;
pub use error::Error;
pub use telemetry::Telemetry;

pub use offsched_abi::header::{State, TimeScale};
pub use offsched_abi::message::{self, Message};
pub use offsched_abi::region::ServiceEntry;
pub use offsched_macros::Message;
