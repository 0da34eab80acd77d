//! The ceiling and the pending bitmap: the two words on which the stack
//! resource policy runs, and the only place where their order is fixed.
//!
//! A level `l` in 1..=63 has bit `l - 1` in the pending bitmap. A ceiling is
//! kept as a [`Limit`]: the smallest bitmap value that holds something above
//! it. "Is anything pending above the ceiling?" is then one compare.
//!
//! # Interrupts
//! The kernel's own sections raise the ceiling to [`Limit::KERNEL`]. An
//! interrupt that finds that limit only sets `deferred` and returns; whoever
//! lowers the ceiling looks at `deferred` afterwards. In this order no
//! interrupt is lost: one before the store leaves its note, which the load
//! behind the store sees; one after the store finds an open ceiling and serves
//! itself. A doorbell leaves its word, `bell`, in the same way. Nothing else is
//! shared between an interrupt and what it interrupts, so the fences in `Words::raise` and `Words::restore` are the only ones.
//!
//! Source: T. P. Baker, "Stack-based scheduling of realtime processes",
//! Real-Time Systems 3(1), 1991.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence};

/// The highest level that a task can have; level 0 is idle.
pub const LEVEL_MAX: u8 = 63;

/// A ceiling, as the smallest pending bitmap that holds a level above it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Limit(u64);

impl Limit {
    /// Above every level: the kernel's own sections.
    pub const KERNEL: Limit = Limit(u64::MAX);
    /// The idle level: everything preempts it.
    pub const IDLE: Limit = Limit(1);

    /// The ceiling at `level` (0..=63).
    #[inline(always)]
    pub const fn at(level: u8) -> Self {
        debug_assert!(level <= LEVEL_MAX);
        Self(1 << (level & 63))
    }

    /// The level that this ceiling is at; of [`KERNEL`](Self::KERNEL): 0.
    #[inline(always)]
    pub(crate) const fn level(self) -> u8 {
        (self.0.trailing_zeros() & 63) as u8
    }

    /// True if any level in the bitmap may run over this ceiling.
    #[inline(always)]
    pub(crate) const fn admits_any(self, bits: u64) -> bool {
        bits >= self.0
    }

    /// True if a task of `level` may run over this ceiling.
    #[inline(always)]
    pub const fn admits(self, level: u8) -> bool {
        bit(level) >= self.0
    }
}

/// The pending bitmap's bit for `level` (1..=63).
#[inline(always)]
pub(crate) const fn bit(level: u8) -> u64 {
    1 << ((level - 1) & 63)
}

/// The words that an interrupt shares with what it interrupts.
///
/// Atomics only because a hosted interrupt is a signal on the same thread; all
/// accesses are relaxed and compile to plain moves.
pub(crate) struct Words {
    ceiling: AtomicU64,
    pending: AtomicU64,
    deferred: AtomicBool,
    bell: AtomicBool,
}

impl Words {
    pub const fn new() -> Self {
        Self {
            ceiling: AtomicU64::new(Limit::KERNEL.0),
            pending: AtomicU64::new(0),
            deferred: AtomicBool::new(false),
            bell: AtomicBool::new(false),
        }
    }

    /// The ceiling now.
    #[inline(always)]
    pub fn ceiling(&self) -> Limit {
        Limit(self.ceiling.load(Ordering::Relaxed))
    }

    /// Raises the ceiling to at least `to`; returns what it was.
    #[inline(always)]
    pub fn raise(&self, to: Limit) -> Limit {
        let old = self.ceiling();
        if to > old {
            self.ceiling.store(to.0, Ordering::Relaxed);
        }
        // What follows belongs inside the section: no access may move above the store.
        compiler_fence(Ordering::SeqCst);
        old
    }

    /// Enters a kernel section; returns what the ceiling was.
    #[inline(always)]
    pub fn enter_kernel(&self) -> Limit {
        let old = self.ceiling();
        self.ceiling.store(Limit::KERNEL.0, Ordering::Relaxed);
        // As in `raise`.
        compiler_fence(Ordering::SeqCst);
        old
    }

    /// Lowers the ceiling to `to`. True if there is something to do now: a
    /// deferred interrupt, or a level above `to` that is pending.
    #[inline(always)]
    #[must_use]
    pub fn restore(&self, to: Limit) -> bool {
        // No access of the section may move below the store, and the looks
        // behind it may not move above.
        compiler_fence(Ordering::SeqCst);
        self.ceiling.store(to.0, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        self.pending.load(Ordering::Relaxed) >= to.0 || self.deferred.load(Ordering::Relaxed)
    }

    /// The pending bitmap. Written inside kernel sections only.
    #[inline(always)]
    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    /// Replaces the pending bitmap; inside a kernel section.
    #[inline(always)]
    pub fn set_pending(&self, bits: u64) {
        self.pending.store(bits, Ordering::Relaxed);
    }

    /// Leaves a note for whoever lowers the ceiling.
    #[inline(always)]
    pub fn defer(&self) {
        self.deferred.store(true, Ordering::Relaxed);
    }

    /// True if there is a note.
    #[inline(always)]
    pub fn is_deferred(&self) -> bool {
        self.deferred.load(Ordering::Relaxed)
    }

    /// Takes the note; inside a kernel section.
    #[inline(always)]
    pub fn take_deferred(&self) -> bool {
        take(&self.deferred)
    }

    /// Leaves word that Linux's side rang, before the interrupt that says so.
    #[inline(always)]
    pub fn ring_bell(&self) {
        self.bell.store(true, Ordering::Relaxed);
    }

    /// Takes that word; inside a kernel section.
    #[inline(always)]
    pub fn take_bell(&self) -> bool {
        take(&self.bell)
    }
}

/// Takes a flag that an interrupt sets. Cleared only when seen set, so one that comes between the two is either part
/// of what was seen or still there; and before what it tells of is looked at, so nothing it tells of is missed.
#[inline(always)]
fn take(flag: &AtomicBool) -> bool {
    let was = flag.load(Ordering::Relaxed);
    if was {
        flag.store(false, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }
    was
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_admits_exactly_the_levels_above_it() {
        for ceiling in 0..=LEVEL_MAX {
            for level in 1..=LEVEL_MAX {
                assert_eq!(
                    Limit::at(ceiling).admits(level),
                    level > ceiling,
                    "{level} over {ceiling}"
                );
            }
        }
        assert!((1..=LEVEL_MAX).all(|level| !Limit::KERNEL.admits(level)));
        assert!(Limit::at(LEVEL_MAX) < Limit::KERNEL);
    }

    #[test]
    fn restore_tells_of_notes_and_of_higher_levels_only() {
        let words = Words::new();
        words.set_pending(bit(3));
        assert!(!words.restore(Limit::at(3)));
        assert!(words.restore(Limit::at(2)));
        assert_eq!(words.raise(Limit::KERNEL), Limit::at(2));
        words.set_pending(0);
        words.defer();
        assert!(words.restore(Limit::at(2)));
        assert!(words.take_deferred());
        assert!(!words.restore(Limit::at(2)));
    }
}
