//! What crosses the boundary between an offloaded core and Linux.
//!
//! ```text
//! region   (read-only to applications)             one per core
//!   page 0   Header: magic, version, hash, state, epoch, time base, crash message
//!            ServiceEntry[]   what may be bound, by name
//!            ChannelState[]   who is open, written by Linux's side only
//!            telemetry        written by the core only
//! channel  (an application maps its own)           one per client
//!   page 0   ControlPage: wake words and ring indices, a cache line pair for each writer
//!            data of the ring to the core
//!            data of the ring from the core
//! ```
//!
//! Trust runs one way: the core believes nothing that an application can write, an application
//! can at worst break its own channel, and Linux's side keeps its own record of who has what.
//! Everything that two sides share is an atomic word, so no access here is a data race, whatever
//! the other side does; every index read from it is checked before use ([`ring`]).
//!
//! `unsafe` lives in [`ring`]'s `overlay` (bbqueue over a ring half) and in the `from_raw`
//! constructors of [`region`] and [`channel`], which turn mapped memory into references.

#![no_std]

pub mod channel;
#[cfg(not(loom))]
pub mod console;
#[cfg(not(loom))]
pub mod header;
#[cfg(not(loom))]
pub mod histogram;
#[cfg(not(loom))]
pub mod image;
#[cfg(not(loom))]
pub mod load;
#[cfg(not(loom))]
pub mod log;
#[cfg(not(loom))]
pub mod message;
#[cfg(not(loom))]
pub mod node;
#[cfg(not(loom))]
pub mod region;
pub mod ring;
pub mod sequenced;
pub mod sync;
#[cfg(not(loom))]
pub mod telemetry;

/// Version of everything in this crate that another program can see. A reader refuses any other.
pub const ABI_VERSION: u32 = 1;

/// Bytes in a page; every mapping's size and offset is a multiple.
pub const PAGE_BYTES: usize = 4096;

/// Rounds `bytes` up to whole pages.
pub const fn page_align(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_BYTES) * PAGE_BYTES
}
