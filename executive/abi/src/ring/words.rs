//! The shared words of a ring and how indices are packed into them.

use crate::ring::{RING_WORDS_MAX, RING_WORDS_MIN, WORD_BYTES};
use crate::sync::{AtomicU64, Ordering};

const INDEX_BITS: u32 = 24;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// The line pair that only the producer writes: 128 bytes, because x86 fetches lines in pairs.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct ProducerLine {
    /// Bits 63..48 epoch, 47..24 end of the upper piece (`last`), 23..0 next word to write.
    tail: AtomicU64,
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
};

/// A pair of indices as published: for a producer write and last, for a consumer read and zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Indices {
    pub at: usize,
    pub last: usize,
}

#[inline]
fn pack(epoch: u16, indices: Indices) -> u64 {
    (u64::from(epoch) << (2 * INDEX_BITS))
        | ((indices.last as u64 & INDEX_MASK) << INDEX_BITS)
        | (indices.at as u64 & INDEX_MASK)
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

/// One ring: its shared words and its data. Safe to hold whatever the peer does, because every
/// word is atomic.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'a> {
    words: &'a RingWords,
    data: &'a [AtomicU64],
}

impl<'a> Ring<'a> {
    /// A ring over `data`, of which at most [`RING_WORDS_MAX`] words are used. `None` below
    /// [`RING_WORDS_MIN`] words.
    pub fn new(words: &'a RingWords, data: &'a [AtomicU64]) -> Option<Self> {
        let data = data.get(..data.len().min(RING_WORDS_MAX))?;
        (data.len() >= RING_WORDS_MIN).then_some(Self { words, data })
    }

    /// The longest payload in bytes.
    #[inline]
    pub fn max_frame(&self) -> usize {
        crate::ring::max_frame(self.data.len() * WORD_BYTES)
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

    #[inline]
    pub(super) fn load_tail(&self, epoch: u16) -> Indices {
        unpack(self.words.producer.tail.load(Ordering::Acquire), epoch)
    }

    #[inline]
    pub(super) fn load_head(&self, epoch: u16) -> Indices {
        unpack(self.words.consumer.head.load(Ordering::Acquire), epoch)
    }
}
