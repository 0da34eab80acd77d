//! The atomics of everything that two sides share, from one place.
//!
//! A build with `--cfg loom` gets loom's model of them instead, so that the very code that runs on
//! the core is what the models in `tests/loom.rs` explore.

#[cfg(not(loom))]
pub use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(loom)]
pub use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Loads with acquire ordering in a form that also holds on memory mapped read-only: Rust promises
/// that only for relaxed loads, so the ordering comes from a fence.
#[inline]
pub(crate) fn load_acquire_u32(word: &AtomicU32) -> u32 {
    let value = word.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    value
}

/// As [`load_acquire_u32`], for 64 bits.
#[inline]
pub(crate) fn load_acquire_u64(word: &AtomicU64) -> u64 {
    let value = word.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    value
}
