//! Frames in ring data: a header word (payload length in bytes, upper half zero), then the payload in 8-byte words, the
//! last one padded with zeros. In a ring whose messages all have one size there are no headers: nothing in it is then
//! parsed.
//!
//! Everything moves as relaxed atomic words; the index published afterwards orders them.

use crate::ring::{WORD_BYTES, headed_words};
use crate::sync::{AtomicU64, Ordering};

/// How the frames of a ring lie. What is fast looks at it once, and is compiled for both.
#[derive(Clone, Copy, Debug)]
pub(super) enum Frames {
    /// Each behind a header with its length.
    Headed {
        /// The longest payload in bytes.
        max: usize,
    },
    /// All with payloads of one length, without headers.
    Equal {
        /// That length in bytes, not 0.
        size: usize,
    },
}

impl Frames {
    /// The longest payload in bytes.
    #[inline(always)]
    pub fn max(self) -> usize {
        match self {
            Self::Headed { max } => max,
            Self::Equal { size } => size,
        }
    }

    /// True if payloads of `len` bytes can be in the ring.
    #[inline(always)]
    pub fn take(self, len: usize) -> bool {
        match self {
            Self::Headed { max } => len <= max,
            Self::Equal { size } => len == size,
        }
    }

    /// Words of a header.
    #[inline(always)]
    fn header(self) -> usize {
        match self {
            Self::Headed { .. } => 1,
            Self::Equal { .. } => 0,
        }
    }

    /// Words that a frame with `payload` bytes takes.
    #[inline(always)]
    pub fn words(self, payload: usize) -> usize {
        self.header() + payload.div_ceil(WORD_BYTES)
    }

    /// Writes a frame to the start of `span`. False, with nothing published, if it does not fit.
    #[inline(always)]
    pub fn write(self, span: &[AtomicU64], payload: &[u8]) -> bool {
        match self {
            Self::Headed { .. } => {
                let Some((header, body)) = span.split_first() else {
                    return false;
                };
                header.store(payload.len() as u64, Ordering::Relaxed);
                write(body, payload)
            }
            Self::Equal { .. } => write(span, payload),
        }
    }

    /// Writes frames one behind the other from the start of `span`, as many as fit and [can be](Self::take) in the ring:
    /// how many, and the words that they take.
    pub fn write_many(self, span: &[AtomicU64], payloads: &[&[u8]]) -> (usize, usize) {
        let (mut rest, mut frames) = (span, 0);
        for payload in payloads {
            let Some((frame, behind)) = rest.split_at_checked(self.words(payload.len())) else {
                break;
            };
            if !self.take(payload.len()) || !self.write(frame, payload) {
                break;
            }
            rest = behind;
            frames += 1;
        }
        (frames, span.len() - rest.len())
    }

    /// The payload's length and words of the frame at the start of `span`, its header read once. `None` if no honest peer
    /// could have written it: longer than any, or running past the span.
    #[inline(always)]
    pub fn first(self, span: &[AtomicU64]) -> Option<(usize, &[AtomicU64])> {
        let (header, body) = span.split_at_checked(self.header())?;
        let len = match header {
            [header] => usize::try_from(header.load(Ordering::Relaxed)).ok()?,
            _ => self.max(),
        };
        (len <= self.max() && len.div_ceil(WORD_BYTES) <= body.len()).then_some((len, body))
    }
}

/// Writes the payloads of `size` bytes (not 0) that lie one behind the other in `bytes`, each behind a header, as many as
/// fit: how many.
#[inline(always)]
pub(super) fn write_alike(span: &[AtomicU64], bytes: &[u8], size: usize) -> usize {
    let frames = span.chunks_exact(headed_words(size));
    let mut written = 0;
    for (frame, payload) in frames.zip(bytes.chunks_exact(size)) {
        frame[0].store(size as u64, Ordering::Relaxed);
        write(&frame[1..], payload);
        written += 1;
    }
    written
}

/// Copies payloads of exactly `size` bytes (not 0), each behind a header, one behind the other into `out`: how many, up to
/// the first of another length.
#[inline(always)]
pub(super) fn read_alike(span: &[AtomicU64], out: &mut [u8], size: usize) -> usize {
    let frames = span.chunks_exact(headed_words(size));
    let mut taken = 0;
    for (frame, payload) in frames.zip(out.chunks_exact_mut(size)) {
        if frame[0].load(Ordering::Relaxed) != size as u64 {
            break;
        }
        read(&frame[1..], payload);
        taken += 1;
    }
    taken
}

/// Writes payloads of `size` bytes (not 0), padded to words and without headers, as many as fit: how many.
#[inline(always)]
pub(super) fn write_packed(span: &[AtomicU64], bytes: &[u8], size: usize) -> usize {
    let words = size.div_ceil(WORD_BYTES);
    let count = fitting(span.len(), words, bytes.len() / size);
    let (span, bytes) = (&span[..count * words], &bytes[..count * size]);
    if size.is_multiple_of(WORD_BYTES) {
        // No padding: one loop for all.
        write(span, bytes);
    } else {
        for (words, payload) in span.chunks_exact(words).zip(bytes.chunks_exact(size)) {
            write(words, payload);
        }
    }
    count
}

/// Copies payloads of `size` bytes (not 0), padded to words and without headers, one behind the other into `out`, as many
/// as there are and it has room for: how many.
#[inline(always)]
pub(super) fn read_packed(span: &[AtomicU64], out: &mut [u8], size: usize) -> usize {
    let words = size.div_ceil(WORD_BYTES);
    let count = fitting(span.len(), words, out.len() / size);
    let (span, out) = (&span[..count * words], &mut out[..count * size]);
    if size.is_multiple_of(WORD_BYTES) {
        read(span, out);
    } else {
        for (words, payload) in span.chunks_exact(words).zip(out.chunks_exact_mut(size)) {
            read(words, payload);
        }
    }
    count
}

/// How many of `wanted` things of `each` words there are in `words`. If it is all, as it mostly is, that is found by a
/// jump and not by arithmetic: what comes next does not wait for the index that `words` is made of.
#[inline(always)]
fn fitting(words: usize, each: usize, wanted: usize) -> usize {
    if wanted * each <= words {
        wanted
    } else {
        words / each
    }
}

/// Copies words from one place to another, as many as both have.
pub(super) fn copy(from: &[AtomicU64], to: &[AtomicU64]) {
    for (to, from) in to.iter().zip(from) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Copies a payload to the start of `body`. False if it does not fit.
#[inline(always)]
fn write(body: &[AtomicU64], payload: &[u8]) -> bool {
    if body.len() < payload.len().div_ceil(WORD_BYTES) {
        return false;
    }
    let (whole, rest) = payload.as_chunks::<WORD_BYTES>();
    for (word, bytes) in body.iter().zip(whole) {
        word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
    }
    if let (false, Some(word)) = (rest.is_empty(), body.get(whole.len())) {
        let mut bytes = [0; WORD_BYTES];
        bytes[..rest.len()].copy_from_slice(rest);
        word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
    }
    true
}

/// Copies a payload from the start of `body` into `out`, which has its length.
#[inline(always)]
pub(super) fn read(body: &[AtomicU64], out: &mut [u8]) {
    let (whole, rest) = out.as_chunks_mut::<WORD_BYTES>();
    for (word, bytes) in body.iter().zip(&mut *whole) {
        *bytes = word.load(Ordering::Relaxed).to_le_bytes();
    }
    if let (false, Some(word)) = (rest.is_empty(), body.get(whole.len())) {
        let bytes = word.load(Ordering::Relaxed).to_le_bytes();
        rest.copy_from_slice(&bytes[..rest.len()]);
    }
}
