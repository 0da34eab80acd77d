//! A channel's state word, written by Linux's side only.

use crate::sync::{AtomicU32, Ordering, load_acquire_u32};

/// Where a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Phase {
    /// Nobody has it.
    Free = 0,
    /// An application has it.
    Open = 1,
    /// The application is gone or cut off; the pages are not yet ready for another.
    Closing = 2,
}

/// The last epoch before numbering starts again at 1. Epoch 0 is "never opened".
pub const EPOCH_MAX: u16 = u16::MAX;

/// Phase and epoch of one channel, in one word: bits 31..16 epoch, 15..0 phase.
///
/// Only Linux's side calls the methods that change it, one at a time.
#[repr(C)]
#[derive(Debug, Default)]
pub struct ChannelState {
    word: AtomicU32,
}

impl ChannelState {
    /// A channel that was never opened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Phase and epoch now. A phase that this version does not know counts as closing.
    #[inline]
    pub fn load(&self) -> (Phase, u16) {
        let word = load_acquire_u32(&self.word);
        let phase = match word & 0xffff {
            0 => Phase::Free,
            1 => Phase::Open,
            _ => Phase::Closing,
        };
        (phase, (word >> 16) as u16)
    }

    /// True if open in `epoch`.
    #[inline]
    pub fn is_open_in(&self, epoch: u16) -> bool {
        load_acquire_u32(&self.word) == word(Phase::Open, epoch)
    }

    /// The epoch that the next opening has: never 0.
    pub fn next_epoch(&self) -> u16 {
        match self.load().1 {
            EPOCH_MAX => 1,
            epoch => epoch + 1,
        }
    }

    /// (2) Open to closing. False, without effect, if it was not open.
    pub fn close(&self) -> bool {
        self.step(Phase::Open, Phase::Closing)
    }

    /// (3) Closing to free, when the pages may be given to another. False, without effect, if it
    /// was not closing.
    pub fn retire(&self) -> bool {
        self.step(Phase::Closing, Phase::Free)
    }

    /// (1) Free to open in the next epoch, which is returned; `None` if it was not free.
    pub(super) fn open(&self) -> Option<u16> {
        let epoch = self.next_epoch();
        if self.load().0 != Phase::Free {
            return None;
        }
        self.word.store(word(Phase::Open, epoch), Ordering::Release);
        Some(epoch)
    }

    fn step(&self, from: Phase, to: Phase) -> bool {
        let (phase, epoch) = self.load();
        if phase != from {
            return false;
        }
        self.word.store(word(to, epoch), Ordering::Release);
        true
    }
}

fn word(phase: Phase, epoch: u16) -> u32 {
    (u32::from(epoch) << 16) | phase as u32
}
