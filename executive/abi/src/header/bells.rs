//! Doorbells between a bare core and Linux: which have been rung and not yet heard.
//!
//! ```text
//!  core    sets a channel's bit in `rung`; if it was clear, sends Linux its interrupt
//!  Linux   swaps the words to 0, wakes those channels' clients
//!
//!  Linux   sets `bell`; if it was clear, sends the core the doorbell's interrupt
//!  core    clears it, then looks at its channels
//! ```
//! Whoever hears takes the mark away *before* it looks: a ring that comes later makes a new
//! interrupt, one that came earlier is answered by the look. So rings merge and none is lost.
//!
//! A hosted core rings by file descriptors and leaves these alone.

use core::mem::offset_of;

use super::Header;
use crate::region::CHANNELS_MAX;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Words of [`Bells::ring`]'s marks: a bit for each channel that a region can have.
pub const RUNG_WORDS: usize = CHANNELS_MAX / 64;

/// Offset of the marks of the core's rings in a region, bytes.
pub const RUNG_OFFSET: usize = offset_of!(Header, bells) + offset_of!(Bells, rung);
/// Offset of the mark of Linux's ring in a region, bytes.
pub const BELL_OFFSET: usize = offset_of!(Header, bells) + offset_of!(Bells, bell);

// As `devnode/kmod/offsched.h` has them.
const _: () = assert!(RUNG_OFFSET == 0x80 && BELL_OFFSET == 0x100 && RUNG_WORDS == 16);

/// The marks of rings not yet heard, each way in lines of its own.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct Bells {
    rung: [AtomicU64; RUNG_WORDS],
    bell: AtomicU32,
}

impl Bells {
    /// The core rings for a channel. True: Linux has not been told, so send the interrupt. False
    /// also for a channel that no region has.
    pub fn ring(&self, channel: u16) -> bool {
        let bit = 1 << (channel % 64);
        let word = self.rung.get(usize::from(channel / 64));
        word.is_some_and(|word| word.fetch_or(bit, Ordering::SeqCst) & bit == 0)
    }

    /// The core has heard Linux, and looks at its channels after this. True if Linux had rung.
    pub fn hear(&self) -> bool {
        self.bell.swap(0, Ordering::SeqCst) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_news_until_it_is_heard() {
        let bells = Bells::default();
        assert!(bells.ring(65));
        assert!(!bells.ring(65));
        assert!(bells.ring(64));
        assert_eq!(bells.rung[1].swap(0, Ordering::Relaxed), 0b11);
        assert!(bells.ring(65));
        assert!(!bells.ring(CHANNELS_MAX as u16));
        assert!(!bells.hear());
        bells.bell.store(1, Ordering::Relaxed);
        assert!(bells.hear() && !bells.hear());
    }
}
