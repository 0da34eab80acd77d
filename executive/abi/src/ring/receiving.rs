//! What the receiving half of a ring keeps to itself, and how bbqueue's grants come out of it.

use core::cell::Cell;

use bbqueue::traits::coordination::ReadGrantError;

use crate::ring::overlay::Half;
use crate::ring::words::{Indices, Newest};
use crate::ring::{RecvError, Ring};
use crate::sync::AtomicU64;

/// The private state of the receiving side; indices in words.
pub(super) struct Receiving<'a> {
    pub ring: Ring<'a>,
    pub epoch: u16,
    /// Next word to read.
    pub read: Cell<usize>,
    /// What was last published.
    pub published: Cell<usize>,
    /// The producer's indices as last seen and found possible.
    pub peer: Cell<Indices>,
    /// Start and length of the open grant; of no words: none is.
    pub grant: Cell<(usize, usize)>,
    pub corrupt: Cell<bool>,
    /// How often a peer was caught lying, over all epochs.
    pub corruptions: Cell<u32>,
}

impl<'a> Receiving<'a> {
    /// From an empty ring on.
    pub fn new(ring: Ring<'a>, epoch: u16, corruptions: u32) -> Self {
        Self {
            ring,
            epoch,
            read: Cell::new(0),
            published: Cell::new(0),
            peer: Cell::new(Indices { at: 0, last: 0 }),
            grant: Cell::new((0, 0)),
            corrupt: Cell::new(false),
            corruptions: Cell::new(corruptions),
        }
    }

    /// What can be read in one piece, as far as the producer's indices are known. At the end of
    /// the upper piece goes on at the start of the ring.
    #[inline]
    pub fn span(&self) -> Option<(usize, usize)> {
        let Indices { at: write, last } = self.peer.get();
        let read = self.read.get();
        if write < read && read < last {
            return Some((read, last - read));
        }
        if write < read {
            self.read.set(0);
        }
        let read = self.read.get();
        (read < write).then(|| (read, write - read))
    }

    /// Looks at the producer's indices. From where they were, it may have moved forward within the
    /// ring, or gone round once, leaving `last` where it had been, but never up to `read`.
    #[inline]
    pub fn refresh(&self) {
        let seen = self.ring.load_tail(self.epoch);
        let (before, read) = (self.peer.get(), self.read.get());
        let capacity = self.ring.capacity();
        let possible = if before.at < read {
            (before.at..read).contains(&seen.at) && seen.last == before.last
        } else if seen.at < read {
            (before.at..=capacity).contains(&seen.last)
        } else {
            (before.at..=capacity).contains(&seen.at)
        };
        if possible {
            self.peer.set(seen);
        } else {
            self.blame();
        }
    }

    /// Marks the peer as corrupt, and counts it.
    #[cold]
    pub fn blame(&self) -> RecvError {
        self.corrupt.set(true);
        self.corruptions
            .set(self.corruptions.get().saturating_add(1));
        RecvError::PeerCorrupt
    }

    /// Which words wait in one piece: the first, and how many.
    #[inline(always)]
    pub fn waiting(&self) -> Result<(usize, usize), RecvError> {
        if self.corrupt.get() {
            return Err(RecvError::PeerCorrupt);
        }
        match self.find() {
            Some(piece) => Ok(piece),
            None if self.corrupt.get() => Err(RecvError::PeerCorrupt),
            None => Err(RecvError::Empty),
        }
    }

    /// The words that wait, if all of them lie beside the producer's index. That is no part of the ring's storage, so it
    /// needs no grant.
    #[inline(always)]
    pub fn newest(&self, (start, count): (usize, usize)) -> Option<Newest<'_>> {
        self.ring.newest(self.epoch, start, count)
    }

    /// As [`span`](Self::span), with a look at the producer if nothing was known to be there.
    #[inline]
    pub fn find(&self) -> Option<(usize, usize)> {
        if let Some(span) = self.span() {
            return Some(span);
        }
        self.refresh();
        if self.corrupt.get() {
            return None;
        }
        self.span()
    }
}

impl Half for Receiving<'_> {
    fn data(&self) -> &[AtomicU64] {
        self.ring.data()
    }

    #[inline]
    fn readable(&self) -> Result<(usize, usize), ReadGrantError> {
        if self.grant.get().1 != 0 {
            return Err(ReadGrantError::GrantInProgress);
        }
        // Whoever opens a grant has looked at the producer before.
        let span = self.span().ok_or(ReadGrantError::Empty)?;
        self.grant.set(span);
        Ok(span)
    }

    #[inline]
    fn release(&self, used: usize) {
        self.grant.set((0, 0));
        self.read.set(self.read.get() + used);
    }
}
