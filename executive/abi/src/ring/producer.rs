//! The sending half of a ring.

use crate::ring::frame::{self, Frames};
use crate::ring::overlay;
use crate::ring::sending::Sending;
use crate::ring::{NEWEST_WORDS, Ring, SendError, WORD_BYTES};
use crate::sync::AtomicU64;

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
            half: Sending::new(ring, epoch),
            corruptions: 0,
        }
    }

    /// Starts anew in another epoch, forgetting unpublished frames and a corrupt peer.
    pub fn reattach(&mut self, epoch: u16) {
        self.half = Sending::new(self.half.ring, epoch);
    }

    /// Writes one frame without publishing it: [`publish`](Self::publish) follows, once for many.
    ///
    /// # Errors
    /// [`SendError::Full`], [`SendError::TooLong`], [`SendError::OtherLength`], [`SendError::PeerCorrupt`]; nothing is
    /// written.
    #[inline(always)]
    pub fn push(&mut self, payload: &[u8]) -> Result<(), SendError> {
        match self.write(payload) {
            Err(SendError::Full) => self.push_anew(payload),
            written => written,
        }
    }

    /// [`push`](Self::push) with a look at the consumer's index. That is seldom, and not compiled in everywhere.
    #[inline(never)]
    fn push_anew(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.refresh()?;
        self.write(payload)
    }

    /// Writes a frame, if there is room as far as the consumer's index is known.
    #[inline(always)]
    fn write(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if self.half.corrupt.get() {
            return Err(SendError::PeerCorrupt);
        }
        match self.half.ring.frames() {
            frames @ Frames::Headed { .. } => self.write_of(frames, payload),
            frames @ Frames::Equal { .. } => self.write_of(frames, payload),
        }
    }

    /// [`write`](Self::write), compiled for either kind of frames.
    #[inline(always)]
    fn write_of(&mut self, frames: Frames, payload: &[u8]) -> Result<(), SendError> {
        if !frames.take(payload.len()) {
            return Err(self.misfit());
        }
        let words = frames.words(payload.len());
        let queue = overlay::queue(&self.half);
        let Ok(grant) = queue.stream_producer().grant_exact(words * WORD_BYTES) else {
            return Err(SendError::Full);
        };
        let (start, span) = self.granted();
        let written = frames.write(span, payload);
        if written && words <= NEWEST_WORDS && !self.half.unpublished() {
            // The first of a publication, and often the only one: shown while its words are at hand.
            let beside = self.half.ring.mark_newest(self.half.epoch, start, words);
            frames.write(beside, payload);
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
        let frames = self.half.ring.frames();
        if self.half.corrupt.get() || !frames.take(size) {
            return 0;
        }
        let queue = overlay::queue(&self.half);
        let Ok(grant) = queue.stream_producer().grant_max_remaining(usize::MAX) else {
            return 0;
        };
        let span = self.granted().1;
        let count = match frames {
            Frames::Headed { .. } => frame::write_alike(span, bytes, size),
            Frames::Equal { .. } => frame::write_packed(span, bytes, size),
        };
        grant.commit(count * frames.words(size) * WORD_BYTES);
        count
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
        let frames = self.half.ring.frames();
        let (count, words) = frames.write_many(self.granted().1, payloads);
        grant.commit(words * WORD_BYTES);
        count
    }

    /// Where the open grant begins, and its words.
    #[inline]
    fn granted(&self) -> (usize, &'a [AtomicU64]) {
        let (start, len) = self.half.grant.get();
        let data = self.half.ring.data();
        (
            start,
            data.get(start..)
                .and_then(|rest| rest.get(..len))
                .unwrap_or_default(),
        )
    }

    /// Makes every frame pushed so far visible to the peer, in one store. True if there were any.
    #[inline]
    pub fn publish(&mut self) -> bool {
        let news = self.half.unpublished();
        if news {
            self.half.publish();
        }
        news
    }

    /// Sends one frame: [`push`](Self::push) and [`publish`](Self::publish).
    ///
    /// # Errors
    /// As [`push`](Self::push).
    #[inline]
    pub fn try_send(&mut self, payload: &[u8]) -> Result<(), SendError> {
        match self.write(payload) {
            Ok(()) => {
                self.half.publish();
                Ok(())
            }
            Err(SendError::Full) => self.send_anew(payload),
            Err(error) => Err(error),
        }
    }

    /// [`try_send`](Self::try_send), as [`push_anew`](Self::push_anew).
    #[inline(never)]
    fn send_anew(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.push_anew(payload)?;
        self.half.publish();
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
        let frames = self.half.ring.frames();
        let words = frames.words(len);
        if self.half.corrupt.get() || !frames.take(len) {
            return false;
        }
        if self.half.place(words).is_none() && self.refresh().is_err() {
            return false;
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

    /// The error for a payload of a length that the ring does not take.
    #[cold]
    fn misfit(&self) -> SendError {
        match self.half.ring.frames() {
            Frames::Equal { size } => SendError::OtherLength { size },
            Frames::Headed { max } => SendError::TooLong { max },
        }
    }

    /// Looks at the consumer's index. An impossible one is counted.
    fn refresh(&mut self) -> Result<(), SendError> {
        self.half.refresh();
        if self.half.corrupt.get() {
            self.corruptions = self.corruptions.saturating_add(1);
            return Err(SendError::PeerCorrupt);
        }
        Ok(())
    }
}
