//! 1 KiB and 4 KiB messages one way, beside the machine's memcpy between the same two cores.
//!
//! The peer is the least that moves bytes from one program's buffer into another's: slots as large
//! as a message in as much memory as our ring has; one side copies its buffer into a slot and sets
//! the slot's flag, the other copies it out and clears the flag. Nothing is checked there.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Pair;
use super::stream::{Parts, stream};
use crate::series::Book;

/// Bytes of each ring, and of all slots together.
const RING_BYTES: usize = 65_536;
/// The longest frame here, bytes.
const FRAME_MAX: usize = 4_096;

/// A round.
pub fn measure(book: &mut Book, pair: Pair) -> Result<(), String> {
    for (bytes, ours, copy) in [
        (1_024, "frame.1k.ours", "frame.1k.memcpy"),
        (FRAME_MAX, "frame.4k.ours", "frame.4k.memcpy"),
    ] {
        frames(book, ours, pair, bytes)?;
        memcpy(book, copy, pair, bytes)?;
    }
    Ok(())
}

fn frames(book: &mut Book, id: &'static str, pair: Pair, bytes: usize) -> Result<(), String> {
    let parts = Parts::new(RING_BYTES, bytes);
    let (mut app, mut core) = parts.ends().ok_or("a ring is too small")?;
    let (frame, mut buf) = (vec![7; bytes], [0; FRAME_MAX]);
    let send = move || {
        black_box(app.try_send(black_box(&frame)).is_ok());
    };
    let receive = move || {
        let got = core.try_recv(&mut buf).is_ok();
        black_box(&buf);
        usize::from(got)
    };
    stream(book, id, pair, 1, send, receive)
}

fn memcpy(book: &mut Book, id: &'static str, pair: Pair, bytes: usize) -> Result<(), String> {
    let slots: Vec<Slot> = (0..RING_BYTES / bytes).map(|_| Slot::default()).collect();
    let slots = slots.as_slice();
    let (frame, mut buf) = (vec![7; bytes], [0; FRAME_MAX]);
    let (mut at, mut from) = (0, 0);
    let send = move || {
        if slots[at].put(black_box(&frame)) {
            at = (at + 1) % slots.len();
        }
    };
    let receive = move || {
        let got = slots[from].take(&mut buf[..bytes]);
        black_box(&buf);
        if got {
            from = (from + 1) % slots.len();
        }
        usize::from(got)
    };
    stream(book, id, pair, 1, send, receive)
}

/// A place for one frame. The flag has a line pair of its own, as an index has.
#[repr(align(128))]
struct Slot {
    is_full: AtomicBool,
    bytes: UnsafeCell<Bytes>,
}

#[repr(align(128))]
struct Bytes([u8; FRAME_MAX]);

impl Default for Slot {
    fn default() -> Self {
        Self {
            is_full: AtomicBool::new(false),
            bytes: UnsafeCell::new(Bytes([0; FRAME_MAX])),
        }
    }
}

// SAFETY: `put` touches the bytes only while the flag is down, `take` only while it is up, and each has one caller.
unsafe impl Sync for Slot {}

impl Slot {
    /// Copies a frame in, if the slot is empty. One thread only.
    fn put(&self, frame: &[u8]) -> bool {
        if self.is_full.load(Ordering::Acquire) {
            return false;
        }
        // SAFETY: the flag is down, so `take` does not touch the bytes, and this thread alone puts.
        let bytes = unsafe { &mut *self.bytes.get() };
        bytes.0[..frame.len()].copy_from_slice(frame);
        self.is_full.store(true, Ordering::Release);
        true
    }

    /// Copies a frame out, if there is one. One thread only.
    fn take(&self, frame: &mut [u8]) -> bool {
        if !self.is_full.load(Ordering::Acquire) {
            return false;
        }
        // SAFETY: the flag is up, so `put` does not touch the bytes, and this thread alone takes.
        let bytes = unsafe { &*self.bytes.get() };
        frame.copy_from_slice(&bytes.0[..frame.len()]);
        self.is_full.store(false, Ordering::Release);
        true
    }
}
