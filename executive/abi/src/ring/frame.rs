//! Frames in ring data: one header word (payload length in bytes, upper half zero), then the
//! payload in 8-byte words, the last one padded with zeros.
//!
//! Everything moves as relaxed atomic words; the index published afterwards orders them.

use crate::ring::{WORD_BYTES, frame_words};
use crate::sync::{AtomicU64, Ordering};

/// Writes a frame to the start of `span`. False, with nothing published, if it does not fit.
#[inline(always)]
pub(super) fn write(span: &[AtomicU64], payload: &[u8]) -> bool {
    let Some((header, body)) = span.split_first() else {
        return false;
    };
    if body.len() < payload.len().div_ceil(WORD_BYTES) {
        return false;
    }
    header.store(payload.len() as u64, Ordering::Relaxed);
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

/// Copies words from one place to another, as many as both have.
pub(super) fn copy(from: &[AtomicU64], to: &[AtomicU64]) {
    for (to, from) in to.iter().zip(from) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Writes frames one behind the other from the start of `span`, as many as fit and have at most `max` bytes: how many,
/// and the words that they take.
pub(super) fn write_many(span: &[AtomicU64], payloads: &[&[u8]], max: usize) -> (usize, usize) {
    let (mut rest, mut frames) = (span, 0);
    for payload in payloads {
        let Some((frame, behind)) = rest.split_at_checked(frame_words(payload.len())) else {
            break;
        };
        if payload.len() > max || !write(frame, payload) {
            break;
        }
        rest = behind;
        frames += 1;
    }
    (frames, span.len() - rest.len())
}

/// Writes the payloads of `size` bytes that lie one behind the other in `bytes`, as many as fit: how many.
#[inline(always)]
pub(super) fn write_equal(span: &[AtomicU64], bytes: &[u8], size: usize) -> usize {
    let frames = span.chunks_exact(frame_words(size));
    let mut written = 0;
    for (frame, payload) in frames.zip(bytes.chunks_exact(size)) {
        write(frame, payload);
        written += 1;
    }
    written
}

/// Copies payloads of exactly `size` bytes, one behind the other, into `out`: how many, up to the first frame of another
/// length.
#[inline(always)]
pub(super) fn read_equal(span: &[AtomicU64], out: &mut [u8], size: usize) -> usize {
    let frames = span.chunks_exact(frame_words(size));
    let mut taken = 0;
    for (frame, payload) in frames.zip(out.chunks_exact_mut(size)) {
        if frame[0].load(Ordering::Relaxed) != size as u64 {
            break;
        }
        read(frame, payload);
        taken += 1;
    }
    taken
}

/// The payload length of the frame at the start of `span`, read once. `None` if no honest peer
/// could have written it: longer than `max` bytes, or running past the span.
#[inline(always)]
pub(super) fn payload_len(span: &[AtomicU64], max: usize) -> Option<usize> {
    let header = span.first()?.load(Ordering::Relaxed);
    let len = usize::try_from(header).ok()?;
    (len <= max && frame_words(len) <= span.len()).then_some(len)
}

/// Copies the payload after the header at the start of `span` into `out`, which has its length.
#[inline(always)]
pub(super) fn read(span: &[AtomicU64], out: &mut [u8]) {
    let body = span.get(1..).unwrap_or_default();
    let (whole, rest) = out.as_chunks_mut::<WORD_BYTES>();
    for (word, bytes) in body.iter().zip(&mut *whole) {
        *bytes = word.load(Ordering::Relaxed).to_le_bytes();
    }
    if let (false, Some(word)) = (rest.is_empty(), body.get(whole.len())) {
        let bytes = word.load(Ordering::Relaxed).to_le_bytes();
        rest.copy_from_slice(&bytes[..rest.len()]);
    }
}
