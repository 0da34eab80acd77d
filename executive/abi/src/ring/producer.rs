//! The sending half of a ring.

use core::cell::Cell;

use bbqueue::traits::coordination::WriteGrantError;

use crate::ring::overlay::{self, Half};
use crate::ring::words::Indices;
use crate::ring::{NEWEST_WORDS, Ring, SendError, WORD_BYTES, frame, frame_words};
use crate::sync::AtomicU64;

/// No frame ends at the ring's first word.
const NOTHING: usize = 0;

/// The private state of the sending side; indices in words.
struct Sending<'a> {
    ring: Ring<'a>,
    epoch: u16,
    /// Next word to write, and the end of the upper piece when `write < read`.
    own: Cell<Indices>,
    /// What was last published.
    published: Cell<Indices>,
    /// The consumer's index as last seen and found possible.
    read: Cell<usize>,
    /// Where what lies beside the index ends; [`NOTHING`]: nothing lies there; `usize::MAX`: something of an epoch before
    /// may.
    shown_to: Cell<usize>,
    /// Start and length of the open grant.
    grant: Cell<Option<(usize, usize)>>,
    corrupt: Cell<bool>,
}

impl Sending<'_> {
    /// Where `words` contiguous words are free, as far as the consumer's index is known.
    #[inline]
    fn place(&self, words: usize) -> Option<usize> {
        self.ring.place(self.own.get().at, self.read.get(), words)
    }

    /// Shows what was written since `before` beside the index, if it is short; else nothing is there any more.
    fn show_newest(&self, before: usize) {
        let end = self.own.get().at;
        // Round the end, the piece at the start is the newest.
        let start = if end < before { 0 } else { before };
        if end - start <= NEWEST_WORDS {
            let words = self.ring.data().get(start..end).unwrap_or_default();
            let beside = self.ring.mark_newest(self.epoch, start, words.len());
            frame::copy(words, beside);
            self.shown_to.set(end);
        } else if self.shown_to.replace(NOTHING) != NOTHING {
            self.ring.hide_newest();
        }
    }

    /// Looks at the consumer's index. It may only have moved forward, and not past what was
    /// written.
    fn refresh(&self) {
        let seen = self.ring.load_head(self.epoch);
        let Indices { at: write, last } = self.own.get();
        let read = self.read.get();
        let possible = if write < read {
            (read..=last).contains(&seen.at) || seen.at <= write
        } else {
            (read..=write).contains(&seen.at)
        };
        if possible && seen.last == 0 {
            self.read.set(seen.at);
        } else {
            self.corrupt.set(true);
        }
    }
}

impl Half for Sending<'_> {
    fn data(&self) -> &[AtomicU64] {
        self.ring.data()
    }

    #[inline]
    fn reserve(&self, words: usize) -> Result<usize, WriteGrantError> {
        if self.grant.get().is_some() {
            return Err(WriteGrantError::GrantInProgress);
        }
        let start = match self.place(words) {
            Some(start) => start,
            None => {
                self.refresh();
                let start = if self.corrupt.get() {
                    None
                } else {
                    self.place(words)
                };
                start.ok_or(WriteGrantError::InsufficientSize)?
            }
        };
        self.grant.set(Some((start, words)));
        Ok(start)
    }

    #[inline]
    fn reserve_most(&self) -> Result<(usize, usize), WriteGrantError> {
        if self.grant.get().is_some() {
            return Err(WriteGrantError::GrantInProgress);
        }
        let (write, read) = (self.own.get().at, self.read.get());
        let free = if write < read {
            read - write - 1
        } else {
            self.ring.capacity() - write
        };
        if free == 0 {
            return Err(WriteGrantError::InsufficientSize);
        }
        self.grant.set(Some((write, free)));
        Ok((write, free))
    }

    #[inline]
    fn commit(&self, used: usize) {
        let (Some((start, _)), 1..) = (self.grant.take(), used) else {
            return;
        };
        let Indices { at: write, last } = self.own.get();
        let last = if start < write { write } else { last };
        self.own.set(Indices {
            at: start + used,
            last,
        });
    }
}

/// The sending half of a ring. Its own index is in its own memory; see [`ring`](crate::ring).
pub struct Producer<'a> {
    half: Sending<'a>,
    corruptions: u32,
}

impl<'a> Producer<'a> {
    /// The sending half of `ring` in `epoch` (not 0), starting from an empty ring.
    ///
    /// Only one half may send in one ring and epoch: two would overwrite each other's frames
    /// (garbage for the receiver, but no undefined behaviour).
    pub fn attach(ring: Ring<'a>, epoch: u16) -> Self {
        Self {
            half: Self::half(ring, epoch),
            corruptions: 0,
        }
    }

    /// Starts anew in another epoch, forgetting unpublished frames and a corrupt peer.
    pub fn reattach(&mut self, epoch: u16) {
        self.half = Self::half(self.half.ring, epoch);
    }

    fn half(ring: Ring<'a>, epoch: u16) -> Sending<'a> {
        let empty = Indices { at: 0, last: 0 };
        Sending {
            ring,
            epoch,
            own: Cell::new(empty),
            published: Cell::new(empty),
            read: Cell::new(0),
            shown_to: Cell::new(usize::MAX),
            grant: Cell::new(None),
            corrupt: Cell::new(false),
        }
    }

    /// Writes one frame without publishing it: [`publish`](Self::publish) follows, once for many.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::TooLong`], [`SendError::PeerCorrupt`]; nothing is written.
    #[inline]
    pub fn push(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if self.half.corrupt.get() {
            return Err(SendError::PeerCorrupt);
        }
        let max = self.half.ring.max_frame();
        if payload.len() > max {
            return Err(SendError::TooLong { max });
        }
        let words = frame_words(payload.len());
        let queue = overlay::queue(&self.half);
        let Ok(grant) = queue.stream_producer().grant_exact(words * WORD_BYTES) else {
            return Err(self.refusal());
        };
        let (start, span) = self.granted();
        let written = frame::write(span, payload);
        if written && words <= NEWEST_WORDS && self.half.own == self.half.published {
            // The first of a publication, and often the only one: shown while its words are at hand.
            let beside = self.half.ring.mark_newest(self.half.epoch, start, words);
            frame::write(beside, payload);
            self.half.shown_to.set(start + words);
        }
        grant.commit(if written { words * WORD_BYTES } else { 0 });
        written.then_some(()).ok_or(SendError::Full)
    }

    /// Writes frames from the front of `payloads`, as [`push`](Self::push), until one does not go in; returns how many
    /// went.
    ///
    /// # Errors
    /// As [`push`](Self::push), if not even the first went in.
    pub fn push_batch(&mut self, payloads: &[&[u8]]) -> Result<usize, SendError> {
        let mut pushed = 0;
        while pushed < payloads.len() {
            let more = self.push_run(&payloads[pushed..]);
            pushed += more;
            if more > 0 {
                continue;
            }
            // Around the end, or after a look at the consumer's index, or not at all.
            match self.push(payloads[pushed]) {
                Ok(()) => pushed += 1,
                Err(error) if pushed == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(pushed)
    }

    /// As [`push_batch`](Self::push_batch), for payloads of `size` bytes (not 0) that lie one behind the other in
    /// `bytes`. With a size that is known where this is compiled it is the fastest way to send.
    ///
    /// # Errors
    /// As [`push`](Self::push), if not even the first went in.
    #[inline(always)]
    pub fn push_equal(&mut self, bytes: &[u8], size: usize) -> Result<usize, SendError> {
        let count = bytes.len().checked_div(size).unwrap_or(0);
        let mut pushed = 0;
        while pushed < count {
            let rest = &bytes[pushed * size..count * size];
            pushed += self.push_equal_run(rest, size);
            if pushed == count {
                break;
            }
            // Around the end, or after a look at the consumer's index, or not at all.
            match self.push(&bytes[pushed * size..][..size]) {
                Ok(()) => pushed += 1,
                Err(error) if pushed == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(pushed)
    }

    #[inline(always)]
    fn push_equal_run(&mut self, bytes: &[u8], size: usize) -> usize {
        if self.half.corrupt.get() || size > self.half.ring.max_frame() {
            return 0;
        }
        let queue = overlay::queue(&self.half);
        let Ok(grant) = queue.stream_producer().grant_max_remaining(usize::MAX) else {
            return 0;
        };
        let frames = frame::write_equal(self.granted().1, bytes, size);
        grant.commit(frames * frame_words(size) * WORD_BYTES);
        frames
    }

    /// Writes frames into one piece of the ring, under one grant: those that fit into what is known to be free there.
    fn push_run(&mut self, payloads: &[&[u8]]) -> usize {
        if self.half.corrupt.get() {
            return 0;
        }
        let queue = overlay::queue(&self.half);
        let Ok(grant) = queue.stream_producer().grant_max_remaining(usize::MAX) else {
            return 0;
        };
        let max = self.half.ring.max_frame();
        let (frames, words) = frame::write_many(self.granted().1, payloads, max);
        grant.commit(words * WORD_BYTES);
        frames
    }

    /// Where the open grant begins, and its words.
    #[inline]
    fn granted(&self) -> (usize, &'a [AtomicU64]) {
        let (start, len) = self.half.grant.get().unwrap_or_default();
        let data = self.half.ring.data();
        (start, data.get(start..start + len).unwrap_or_default())
    }

    /// Makes every frame pushed so far visible to the peer, in one store. True if there were any.
    #[inline]
    pub fn publish(&mut self) -> bool {
        let own = self.half.own.get();
        let before = self.half.published.replace(own);
        let news = own != before;
        if news {
            if self.half.shown_to.get() != own.at {
                self.half.show_newest(before.at);
            }
            self.half.ring.publish_tail(self.half.epoch, own);
        }
        news
    }

    /// Sends one frame: [`push`](Self::push) and [`publish`](Self::publish).
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn try_send(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.push(payload)?;
        self.publish();
        Ok(())
    }

    /// Sends frames from the front of `payloads`, in one publication, until one does not go in;
    /// returns how many went.
    ///
    /// # Errors
    /// As [`push`](Self::push), if not even the first went in.
    pub fn send_batch(&mut self, payloads: &[&[u8]]) -> Result<usize, SendError> {
        let sent = self.push_batch(payloads);
        self.publish();
        sent
    }

    /// True if a payload of `len` bytes would go in now.
    pub fn has_room(&mut self, len: usize) -> bool {
        let words = frame_words(len);
        if self.half.corrupt.get() || len > self.half.ring.max_frame() {
            return false;
        }
        if self.half.place(words).is_none() {
            self.half.refresh();
            if self.half.corrupt.get() {
                self.refusal();
                return false;
            }
        }
        self.half.place(words).is_some()
    }

    /// True after the peer was caught lying, until attached anew.
    pub fn is_corrupt(&self) -> bool {
        self.half.corrupt.get()
    }

    /// How often a peer was caught lying, over all epochs.
    pub fn corruptions(&self) -> u32 {
        self.corruptions
    }

    /// The longest payload in bytes.
    pub fn max_frame(&self) -> usize {
        self.half.ring.max_frame()
    }

    /// The error for a grant that was refused just now, counted if the peer is to blame.
    fn refusal(&mut self) -> SendError {
        if self.half.corrupt.get() {
            self.corruptions = self.corruptions.saturating_add(1);
            SendError::PeerCorrupt
        } else {
            SendError::Full
        }
    }
}
