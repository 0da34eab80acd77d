//! Records of several words that one side writes and others read without a lock.

use crate::sync::{AtomicU64, Ordering, fence, load_acquire_u64};

/// A record of `W` words that is read without a lock.
///
/// The sequence number is odd while the writer is inside. Source: the seqlock
/// of Linux; H.-J. Boehm, "Can seqlocks get along with programming language
/// memory models?", MSPC 2012.
#[repr(C)]
#[derive(Debug)]
pub struct Sequenced<const W: usize> {
    sequence: AtomicU64,
    words: [AtomicU64; W],
}

impl<const W: usize> Default for Sequenced<W> {
    fn default() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            words: core::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl<const W: usize> Sequenced<W> {
    /// Publishes a record. Single writer.
    #[inline(always)]
    pub fn write(&self, words: [u64; W]) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence
            .store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (to, from) in self.words.iter().zip(words) {
            to.store(from, Ordering::Relaxed);
        }
        self.sequence
            .store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// The record, or `None` if none was ever written or the writer was inside.
    pub fn read(&self) -> Option<[u64; W]> {
        let before = load_acquire_u64(&self.sequence);
        if before == 0 || before % 2 == 1 {
            return None;
        }
        let words = core::array::from_fn(|i| self.words[i].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        (self.sequence.load(Ordering::Relaxed) == before).then_some(words)
    }

    /// The record as its only writer sees it, whole at any time on its core.
    #[inline(always)]
    pub fn own(&self) -> [u64; W] {
        core::array::from_fn(|i| self.words[i].load(Ordering::Relaxed))
    }

    /// Forgets the record.
    pub fn clear(&self) {
        self.sequence.store(0, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_only_when_whole() {
        let cell = Sequenced::<2>::default();
        assert_eq!(cell.read(), None);
        cell.write([1, 2]);
        assert_eq!(cell.read(), Some([1, 2]));
        cell.sequence.store(3, Ordering::Relaxed);
        assert_eq!(cell.read(), None);
    }
}
