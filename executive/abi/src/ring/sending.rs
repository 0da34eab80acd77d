//! What the sending half of a ring keeps to itself, and how bbqueue's grants come out of it.

use core::cell::Cell;

use bbqueue::traits::coordination::WriteGrantError;

use crate::ring::overlay::Half;
use crate::ring::words::Indices;
use crate::ring::{NEWEST_WORDS, Ring, frame};
use crate::sync::AtomicU64;

/// No frame ends at the ring's first word.
pub(super) const NOTHING: usize = 0;

/// The private state of the sending side; indices in words.
pub(super) struct Sending<'a> {
    pub ring: Ring<'a>,
    pub epoch: u16,
    /// Next word to write, and the end of the upper piece when `write < read`.
    pub own: Cell<Indices>,
    /// What was last published: next word to write.
    pub published: Cell<usize>,
    /// The consumer's index as last seen and found possible.
    pub read: Cell<usize>,
    /// Where what lies beside the index ends; [`NOTHING`]: nothing lies there; `usize::MAX`: something of an epoch before
    /// may.
    pub shown_to: Cell<usize>,
    /// Start and length of the open grant; of no words: none is.
    pub grant: Cell<(usize, usize)>,
    pub corrupt: Cell<bool>,
}

impl<'a> Sending<'a> {
    /// From an empty ring on.
    pub fn new(ring: Ring<'a>, epoch: u16) -> Self {
        let empty = Indices { at: 0, last: 0 };
        Self {
            ring,
            epoch,
            own: Cell::new(empty),
            published: Cell::new(0),
            read: Cell::new(0),
            shown_to: Cell::new(usize::MAX),
            grant: Cell::new((0, 0)),
            corrupt: Cell::new(false),
        }
    }

    /// Where `words` contiguous words are free, as far as the consumer's index is known.
    #[inline]
    pub fn place(&self, words: usize) -> Option<usize> {
        self.ring.place(self.own.get().at, self.read.get(), words)
    }

    /// True if something was written since the last publication: that never leads back to where it began, because the
    /// consumer's index is not passed.
    #[inline]
    pub fn unpublished(&self) -> bool {
        self.own.get().at != self.published.get()
    }

    /// Publishes what was written. If it is short it lies beside the index then; else nothing does any more.
    #[inline]
    pub fn publish(&self) {
        let own = self.own.get();
        let before = self.published.replace(own.at);
        if self.shown_to.get() != own.at {
            // (What goes round the end counts as long.)
            if own.at.wrapping_sub(before) <= NEWEST_WORDS {
                return self.show_and_publish(before);
            }
            if self.shown_to.get() != NOTHING {
                self.shown_to.set(NOTHING);
                self.ring.hide_newest();
            }
        }
        self.ring.publish_tail(self.epoch, own);
    }

    /// Several short frames, which seldom come together: not worth to be compiled in everywhere.
    #[inline(never)]
    pub fn show_and_publish(&self, before: usize) {
        let own = self.own.get();
        let words = self.ring.data().get(before..own.at).unwrap_or_default();
        let beside = self.ring.mark_newest(self.epoch, before, words.len());
        frame::copy(words, beside);
        self.shown_to.set(own.at);
        self.ring.publish_tail(self.epoch, own);
    }

    /// Looks at the consumer's index. It may only have moved forward, and not past what was
    /// written.
    pub fn refresh(&self) {
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
        if self.grant.get().1 != 0 {
            return Err(WriteGrantError::GrantInProgress);
        }
        let start = self.place(words).ok_or(WriteGrantError::InsufficientSize)?;
        self.grant.set((start, words));
        Ok(start)
    }

    #[inline]
    fn reserve_most(&self) -> Result<(usize, usize), WriteGrantError> {
        if self.grant.get().1 != 0 {
            return Err(WriteGrantError::GrantInProgress);
        }
        let (write, read) = (self.own.get().at, self.read.get());
        let free = self.ring.free(write, read);
        if free == 0 {
            return Err(WriteGrantError::InsufficientSize);
        }
        self.grant.set((write, free));
        Ok((write, free))
    }

    #[inline]
    fn commit(&self, used: usize) {
        let (start, _) = self.grant.get();
        self.grant.set((start, 0));
        if used == 0 {
            return;
        }
        let mut own = self.own.get();
        if start < own.at {
            own.last = own.at;
        }
        own.at = start + used;
        self.own.set(own);
    }
}
