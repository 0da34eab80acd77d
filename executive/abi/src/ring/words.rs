//! The shared words of a ring and how indices are packed into them.

use crate::ring::frame::Frames;
use crate::ring::{RING_WORDS_MAX, RING_WORDS_MIN, WORD_BYTES, max_frame};
use crate::sync::{AtomicU64, Ordering, fence};

const INDEX_BITS: u32 = 24;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// Words of a cache line.
pub(crate) const LINE_WORDS: usize = 8;

/// Words of the newest publication that lie beside the index: the rest of its line of 64 bytes.
pub const NEWEST_WORDS: usize = 6;

/// The line pair that only the producer writes: 128 bytes, because x86 fetches lines in pairs.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct ProducerLine {
    /// Bits 63..48 epoch, 47..24 end of the upper piece (`last`), 23..0 next word to write.
    tail: AtomicU64,
    /// Of what `newest` is a copy, or becomes one before `tail` says so: bits 63..48 epoch, 47..24 words, 23..0 first
    /// word; 0: of nothing.
    newest_of: AtomicU64,
    /// What was published last, or is about to be, if it is so short: who waits for it has it with the index, in one line.
    newest: [AtomicU64; NEWEST_WORDS],
}

/// The line pair that only the consumer writes.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct ConsumerLine {
    /// Bits 63..48 epoch, 47..24 zero, 23..0 next word to read.
    head: AtomicU64,
}

/// The shared indices of one ring. All zero is an empty ring of no epoch.
#[repr(C)]
#[derive(Debug, Default)]
pub struct RingWords {
    producer: ProducerLine,
    consumer: ConsumerLine,
}

impl RingWords {
    /// An empty ring's words.
    pub fn new() -> Self {
        Self::default()
    }

    /// Overwrites both words with anything at all: what a hostile peer can do. For tests.
    #[doc(hidden)]
    pub fn scribble(&self, tail: Option<u64>, head: Option<u64>) {
        if let Some(tail) = tail {
            self.producer.tail.store(tail, Ordering::Relaxed);
        }
        if let Some(head) = head {
            self.consumer.head.store(head, Ordering::Relaxed);
        }
    }

    /// Overwrites what lies beside the producer's index, as [`scribble`](Self::scribble). For tests.
    #[doc(hidden)]
    pub fn scribble_newest(&self, of: u64, word: u64) {
        let line = &self.producer;
        line.newest_of.store(of, Ordering::Relaxed);
        line.newest[of as usize % NEWEST_WORDS].store(word, Ordering::Relaxed);
    }

    /// What lies beside the producer's index, as it stands: of what it is a copy, and the copy. For tests.
    #[doc(hidden)]
    pub fn raw_newest(&self) -> (u64, [u64; NEWEST_WORDS]) {
        let line = &self.producer;
        let word = |at: usize| line.newest[at].load(Ordering::Relaxed);
        (
            line.newest_of.load(Ordering::Relaxed),
            core::array::from_fn(word),
        )
    }

    /// Both words as they stand. For tests.
    #[doc(hidden)]
    pub fn raw(&self) -> (u64, u64) {
        (
            self.producer.tail.load(Ordering::Relaxed),
            self.consumer.head.load(Ordering::Relaxed),
        )
    }
}

#[cfg(not(loom))]
const _: () = {
    assert!(size_of::<RingWords>() == 256);
    assert!(core::mem::offset_of!(RingWords, consumer) == 128);
    assert!(core::mem::offset_of!(ProducerLine, newest) + NEWEST_WORDS * WORD_BYTES == 64);
};

/// A pair of indices as published: for a producer write and last, for a consumer read and zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Indices {
    pub at: usize,
    pub last: usize,
}

/// Both are at most [`RING_WORDS_MAX`].
#[inline]
fn pack(epoch: u16, indices: Indices) -> u64 {
    debug_assert!(indices.at as u64 <= INDEX_MASK && indices.last as u64 <= INDEX_MASK);
    (u64::from(epoch) << (2 * INDEX_BITS)) | (indices.last as u64) << INDEX_BITS | indices.at as u64
}

/// A word of another epoch reads as an empty ring's. Epoch 0 is no epoch.
#[inline]
fn unpack(word: u64, epoch: u16) -> Indices {
    if (word >> (2 * INDEX_BITS)) as u16 != epoch {
        return Indices { at: 0, last: 0 };
    }
    Indices {
        at: (word & INDEX_MASK) as usize,
        last: ((word >> INDEX_BITS) & INDEX_MASK) as usize,
    }
}

/// What lies beside a producer's index.
pub(super) struct Newest<'a> {
    line: &'a ProducerLine,
    /// Of what it says that it is a copy.
    of: u64,
    pub words: &'a [AtomicU64],
}

impl Newest<'_> {
    /// Asked when the words have been read: did it say the same all the while? If not, anything at all has been read.
    #[inline(always)]
    pub fn stayed(&self) -> bool {
        fence(Ordering::Acquire);
        self.line.newest_of.load(Ordering::Relaxed) == self.of
    }
}

/// One ring: its shared words and its data. Safe to hold whatever the peer does, because every
/// word is atomic.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'a> {
    words: &'a RingWords,
    data: &'a [AtomicU64],
    /// Words that stay free between a producer and the consumer before it.
    gap: usize,
    frames: Frames,
}

impl<'a> Ring<'a> {
    /// A ring over `data`, of which at most [`RING_WORDS_MAX`] words are used, for messages of any length. `None` below
    /// [`RING_WORDS_MIN`] words.
    pub fn new(words: &'a RingWords, data: &'a [AtomicU64]) -> Option<Self> {
        let data = data.get(..data.len().min(RING_WORDS_MAX))?;
        (data.len() >= RING_WORDS_MIN).then_some(Self {
            words,
            data,
            frames: Frames::Headed {
                max: max_frame(data.len() * WORD_BYTES),
            },
            gap: 1,
        })
    }

    /// The ring for messages of `size` bytes only, if that is not 0. `None` if they are too long for it.
    ///
    /// When it is full, a cache line is left free, if its longest frame leaves that much: the two sides are not in one
    /// line then, and batches that fill lines go on doing so, of which the last fits in part.
    pub fn of_size(self, size: usize) -> Option<Self> {
        if size > max_frame(self.data.len() * WORD_BYTES) {
            return None;
        }
        if size == 0 {
            return Some(self);
        }
        let frames = Frames::Equal { size };
        let spare = 2 * frames.words(size) + LINE_WORDS <= self.capacity();
        let gap = if spare { LINE_WORDS } else { 1 };
        Some(Self {
            frames,
            gap,
            ..self
        })
    }

    /// Words that are free in one piece from `write` on.
    #[inline]
    pub(super) fn free(&self, write: usize, read: usize) -> usize {
        if write < read {
            (read - write).saturating_sub(self.gap)
        } else {
            self.capacity() - write
        }
    }

    /// Where `words` words are free in one piece between a producer at `write` and a consumer at `read`. Never lets
    /// `write` reach `read` from behind: equal means empty. How far they stay apart see [`Ring::of_size`].
    #[inline]
    pub(super) fn place(&self, write: usize, read: usize, words: usize) -> Option<usize> {
        if write < read {
            (words + self.gap <= read - write).then_some(write)
        } else if words <= self.capacity() - write {
            Some(write)
        } else {
            (words + self.gap <= read).then_some(0)
        }
    }

    /// The longest payload in bytes.
    #[inline]
    pub fn max_frame(&self) -> usize {
        self.frames.max()
    }

    #[inline]
    pub(super) fn frames(&self) -> Frames {
        self.frames
    }

    #[inline]
    pub(super) fn data(&self) -> &'a [AtomicU64] {
        self.data
    }

    /// Data words.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.data.len()
    }

    #[inline]
    pub(super) fn publish_tail(&self, epoch: u16, indices: Indices) {
        self.words
            .producer
            .tail
            .store(pack(epoch, indices), Ordering::Release);
    }

    #[inline]
    pub(super) fn publish_head(&self, epoch: u16, read: usize) {
        let indices = Indices { at: read, last: 0 };
        self.words
            .consumer
            .head
            .store(pack(epoch, indices), Ordering::Release);
    }

    /// Says that `count` words (at most [`NEWEST_WORDS`]) from `start` are about to lie beside the index, and about to be
    /// published, and returns where the copy goes. Nobody takes it before they are published.
    #[inline]
    pub(super) fn mark_newest(&self, epoch: u16, start: usize, count: usize) -> &'a [AtomicU64] {
        let line = &self.words.producer;
        let of = Indices {
            at: start,
            last: count,
        };
        line.newest_of.store(pack(epoch, of), Ordering::Relaxed);
        // Who sees one of the words that follow sees this, or a later value.
        fence(Ordering::Release);
        &line.newest
    }

    /// Nothing lies beside the index.
    #[inline]
    pub(super) fn hide_newest(&self) {
        self.words.producer.newest_of.store(0, Ordering::Relaxed);
    }

    /// The copy beside the index, if it says that it is one of `count` words from `start`.
    #[inline(always)]
    pub(super) fn newest(&self, epoch: u16, start: usize, count: usize) -> Option<Newest<'a>> {
        let line = &self.words.producer;
        let of = Indices {
            at: start,
            last: count,
        };
        let newest = Newest {
            line,
            of: pack(epoch, of),
            words: line.newest.get(..count)?,
        };
        (line.newest_of.load(Ordering::Acquire) == newest.of).then_some(newest)
    }

    #[inline]
    pub(super) fn load_tail(&self, epoch: u16) -> Indices {
        unpack(self.words.producer.tail.load(Ordering::Acquire), epoch)
    }

    #[inline]
    pub(super) fn load_head(&self, epoch: u16) -> Indices {
        unpack(self.words.consumer.head.load(Ordering::Acquire), epoch)
    }
}
