//! The console of a core: what its image printed, kept in a ring that overwrites itself.
//!
//! One writer, the core, which never waits; any number of readers, who look when they like and are
//! told what they were too late for.

use core::sync::atomic::AtomicU8;

use crate::sync::{AtomicU64, Ordering, fence, load_acquire_u64};

/// Bytes kept.
pub const CONSOLE_RING: usize = 32 * 1024;

/// The ring. All zero is an empty one.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Console {
    /// Bytes that are being written or were; the oldest are overwritten.
    begun: AtomicU64,
    /// Bytes written.
    written: AtomicU64,
    bytes: [AtomicU8; CONSOLE_RING],
}

/// What a reader got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Bytes put into the buffer.
    pub len: usize,
    /// Bytes that were overwritten before this reader came.
    pub lost: u64,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            begun: AtomicU64::new(0),
            written: AtomicU64::new(0),
            bytes: [const { AtomicU8::new(0) }; CONSOLE_RING],
        }
    }
}

impl Console {
    /// Appends text. One writer at a time: the core, with its interrupts off.
    pub fn write(&self, text: &[u8]) {
        let at = self.written.load(Ordering::Relaxed);
        let end = at.wrapping_add(text.len() as u64);
        self.begun.store(end, Ordering::Relaxed);
        // Who sees a byte of this text sees that it was begun.
        fence(Ordering::Release);
        for (index, byte) in text.iter().enumerate() {
            let place = (at as usize).wrapping_add(index) % CONSOLE_RING;
            self.bytes[place].store(*byte, Ordering::Relaxed);
        }
        self.written.store(end, Ordering::Release);
    }

    /// Copies what follows the first `*from` bytes ever written, and moves `*from` on.
    pub fn read(&self, from: &mut u64, buffer: &mut [u8]) -> Read {
        let written = load_acquire_u64(&self.written);
        let oldest = written.saturating_sub(CONSOLE_RING as u64);
        let start = (*from).clamp(oldest, written);
        let len = buffer.len().min((written - start) as usize);
        for (index, byte) in buffer[..len].iter_mut().enumerate() {
            *byte = self.bytes[(start as usize).wrapping_add(index) % CONSOLE_RING]
                .load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        // What the writer has begun meanwhile may have gone over the front of the copy.
        let begun = self.begun.load(Ordering::Relaxed);
        let safe = begun.saturating_sub(CONSOLE_RING as u64);
        let stale = (safe.saturating_sub(start) as usize).min(len);
        buffer.copy_within(stale..len, 0);
        let lost = start.saturating_sub(*from) + stale as u64;
        *from = start + len as u64;
        Read {
            len: len - stale,
            lost,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    fn read_all(console: &Console, from: &mut u64) -> (Vec<u8>, u64) {
        let mut buffer = vec![0; CONSOLE_RING];
        let read = console.read(from, &mut buffer);
        buffer.truncate(read.len);
        (buffer, read.lost)
    }

    #[test]
    fn readers_get_each_byte_once() {
        let console = Console::default();
        let mut from = 0;
        console.write(b"one ");
        assert_eq!(read_all(&console, &mut from), (b"one ".to_vec(), 0));
        console.write(b"two");
        assert_eq!(read_all(&console, &mut from), (b"two".to_vec(), 0));
        assert_eq!(read_all(&console, &mut from), (vec![], 0));
    }

    #[test]
    fn a_late_reader_is_told_what_it_lost() {
        let console = Console::default();
        console.write(b"lost");
        for _ in 0..CONSOLE_RING / 8 {
            console.write(b"12345678");
        }
        let mut from = 0;
        let (text, lost) = read_all(&console, &mut from);
        assert_eq!((text.len(), lost), (CONSOLE_RING, 4));
        assert!(text.chunks(8).all(|chunk| chunk == b"12345678"));
    }

    #[test]
    fn bytes_that_are_being_overwritten_are_not_handed_out() {
        let console = Console::default();
        console.write(&[b'a'; CONSOLE_RING]);
        // As if a text of 10 bytes were half written.
        console
            .begun
            .store(CONSOLE_RING as u64 + 10, Ordering::Relaxed);
        let mut from = 0;
        let (text, lost) = read_all(&console, &mut from);
        assert_eq!((text.len(), lost), (CONSOLE_RING - 10, 10));
    }
}
