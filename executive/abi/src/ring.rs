//! Rings of framed messages between two sides that do not trust each other.
//!
//! ```text
//!  producer's half (private)      shared, repr(C)                 consumer's half (private)
//!  write, last, read seen   --->  tail: epoch | last | write -->  read, write and last seen
//!                           <---  head: epoch |        read  <--
//!                                 data: 8-byte words
//! ```
//!
//! # Why bbqueue, and how
//! `bbqueue` is a bip buffer: a frame never wraps, so it is always one contiguous piece, and `last`
//! marks where the upper piece ends. Its grants are used as they are; where the indices live and
//! what is believed of them is ours ([`Coord`] and [`Storage`] of its traits):
//!
//! - The stock coordination trusts both indices. Here each half keeps its own index in its own
//!   memory and only publishes copies, so that the peer cannot change it; what it reads of the
//!   peer is checked against what an honest peer could have done since the last look.
//! - `Coord` must be `ConstInit`, so it cannot be given a pointer. Queue, storage and coordination
//!   are therefore zero-sized and laid, for the length of one call, over the *private* half: a
//!   half is recovered from the address with exposed provenance (`overlay`, the only unsafe here).
//!   The half in turn holds plain references to the shared words. Nothing is laid over shared
//!   memory, and no pointer is ever read from it.
//! - bbqueue's framed interface reads a frame's length through a plain pointer and hands out
//!   `&[u8]` to bytes that the peer may be changing. Here its stream grants only say *where*; bytes
//!   move as relaxed atomic words (`frame`), each read once, into the reader's own buffer.
//! - `tail` is one word, so write and last cannot be seen torn. Both words carry the channel's
//!   epoch: one from another epoch reads as "nothing yet", so that a late store of a half that
//!   has not noticed a reset does no harm.
//!
//! # One line for a short message
//! A receiver that waits has the index's line fetched anyway. So what was published last is copied to the rest of that
//! line, if it is short ([`NEWEST_WORDS`]), and the receiver need not fetch the data's line too. The copy says of which
//! words it is one. That is said before the words change, and the index behind them: a receiver that the index tells of
//! these very words finds all of them there, and if it finds the same said afterwards none of the next ones' (half a
//! sequence lock; the index is the other half). One that does not find what it expects reads the data.
//!
//! # Sizes
//! Indices count words of 8 bytes. A frame is one header word and the payload, padded to words. Where both sides know
//! from the service's entry that all messages have one size (not 0) there are no headers, and nothing to lie about but
//! indices.
//! A frame of n words always fits an emptied ring of c words, wherever the indices stand, if and
//! only if n <= (c - 1) / 2; longer ones are refused at once ([`max_frame`]).
//!
//! # A peer that lies
//! The half that sees it goes into a sticky [`SendError::PeerCorrupt`] / [`RecvError::PeerCorrupt`]
//! until it is attached to a new epoch, and counts it. Never a panic, a wild access or a loop.
//!
//! [`Coord`]: bbqueue::traits::coordination::Coord
//! [`Storage`]: bbqueue::traits::storage::Storage

mod consumer;
mod errors;
mod frame;
mod overlay;
mod producer;
mod receiving;
mod sending;
mod words;

pub use consumer::Consumer;
pub use errors::{RecvError, SendError};
pub use producer::Producer;
pub use words::{ConsumerLine, NEWEST_WORDS, ProducerLine, Ring, RingWords};

/// Bytes in the unit that ring indices count, and the alignment of every payload.
pub const WORD_BYTES: usize = 8;

/// Most data words in a ring: what 24 bits of index can say.
pub const RING_WORDS_MAX: usize = (1 << 24) - 1;

/// How frames lie in a ring, counted on when that changes: 2, messages of one size have no headers.
#[cfg(not(loom))]
pub(crate) const FORMAT: usize = 2;

/// Fewest data words in a ring: one that takes a frame with a payload.
pub const RING_WORDS_MIN: usize = 5;

/// Words that a frame with `payload` bytes takes in a ring with headers: its own and the padded payload.
const fn headed_words(payload: usize) -> usize {
    1 + payload.div_ceil(WORD_BYTES)
}

/// The longest payload, in bytes, that a ring of `ring_bytes` bytes of data takes, with a header or without.
pub const fn max_frame(ring_bytes: usize) -> usize {
    let words = ring_bytes / WORD_BYTES;
    let words = if words > RING_WORDS_MAX {
        RING_WORDS_MAX
    } else {
        words
    };
    if words < RING_WORDS_MIN {
        0
    } else {
        ((words - 1) / 2 - 1) * WORD_BYTES
    }
}

/// The least data bytes of a ring that takes payloads of `payload` bytes.
pub const fn ring_bytes_for(payload: usize) -> usize {
    (2 * headed_words(payload) + 1) * WORD_BYTES
}
