//! bbqueue laid over a ring half: the crate's one trick, and why it is sound.
//!
//! `BBQueue<View, View, Polling>` is zero-sized. [`queue`] forms a reference to one at the address
//! of a half, which is always valid: a zero-sized place needs only a non-null, aligned address.
//! bbqueue hands `&View` back to the traits below, still at that address, because all fields of a
//! zero-sized type are at offset zero. [`half`] turns the address into `&Half` again, with the
//! provenance that `queue` exposed.
//!
//! `View` has an `UnsafeCell`, of no size, and must keep it. Without it `&View` is a reference to
//! something immutable, the compiler marks it read-only, concludes that nothing reached through it
//! is written, and drops the stores to the half's cells: seen, at opt-level 1, with every test of
//! the ring failing.
//!
//! `View` is private to `ring`, is only ever made by `queue`, and lives no longer than the borrow
//! of the half that `queue` was given, so every `View` has a live half under it.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use bbqueue::BBQueue;
use bbqueue::export::ConstInit;
use bbqueue::traits::coordination::{Coord, ReadGrantError, WriteGrantError};
use bbqueue::traits::notifier::polling::Polling;
use bbqueue::traits::storage::Storage;

use crate::ring::WORD_BYTES;
use crate::sync::AtomicU64;

/// What a half of a ring does for bbqueue's grants. Indices and lengths in words. A half is one
/// side only, so the other side's operations keep their refusing defaults.
pub(super) trait Half {
    /// The ring's data.
    fn data(&self) -> &[AtomicU64];
    /// Finds room for `words` contiguous words and opens a grant on it.
    fn reserve(&self, _words: usize) -> Result<usize, WriteGrantError> {
        Err(WriteGrantError::InsufficientSize)
    }
    /// Opens a grant on all words that are known to be free from where the next frame would go: (start, length).
    fn reserve_most(&self) -> Result<(usize, usize), WriteGrantError> {
        Err(WriteGrantError::InsufficientSize)
    }
    /// Ends the write grant, keeping its first `used` words.
    fn commit(&self, _used: usize) {}
    /// Opens a grant on what can be read in one piece: (start, length).
    fn readable(&self) -> Result<(usize, usize), ReadGrantError> {
        Err(ReadGrantError::Empty)
    }
    /// Ends the read grant, giving back its first `used` words.
    fn release(&self, _used: usize) {}
}

/// Storage and coordination of a queue that is laid over an `H`.
pub(super) struct View<H>(PhantomData<H>, UnsafeCell<()>);

/// The zero-sized queue over an `H`.
pub(super) type Queue<H> = BBQueue<View<H>, View<H>, Polling>;

/// The queue of a half.
#[inline]
pub(super) fn queue<H: Half>(half: &H) -> &Queue<H> {
    const { assert!(size_of::<Queue<H>>() == 0 && align_of::<Queue<H>>() == 1) };
    let address = ptr::from_ref(half).expose_provenance();
    // SAFETY: the address is that of a reference, so it is not null; the type is zero-sized with
    // alignment 1 (asserted above), so any such address is valid, and no memory is claimed. The
    // result borrows `half`, so it does not outlive it.
    unsafe { &*ptr::with_exposed_provenance::<Queue<H>>(address) }
}

/// The half under a view.
#[inline]
fn half<H: Half>(view: &View<H>) -> &H {
    let address = ptr::from_ref(view).addr();
    // SAFETY: a `View` exists only inside a `Queue` made by `queue` (see the module's head), at the
    // address of an `H` that is borrowed, shared, for at least as long as the view. That `H`'s
    // provenance was exposed by `queue`, and only shared access is made.
    unsafe { &*ptr::with_exposed_provenance::<H>(address) }
}

impl<H> ConstInit for View<H> {
    const INIT: Self = Self(PhantomData, UnsafeCell::new(()));
}

impl<H: Half> Storage for View<H> {
    // SAFETY: (of the contract) a half's data never changes, so pointer and length never do. Only
    // `ring` holds the queue, and it never looks through a grant's pointer.
    unsafe fn ptr_len(&self) -> (NonNull<u8>, usize) {
        let data = half(self).data();
        (NonNull::from_ref(data).cast(), data.len() * WORD_BYTES)
    }
}

// SAFETY: grants are exclusive: a half opens one at a time and is not `Sync`, and the range that
// `reserve` returns is outside what any consumer may read, the one that `readable` returns inside
// what the producer may not write. Both lie within the data (checked indices; see the halves).
unsafe impl<H: Half> Coord for View<H> {
    // Never called by bbqueue; a half is reset by attaching it to another epoch.
    fn reset(&self) {}

    fn grant_max_remaining(
        &self,
        _capacity: usize,
        bytes: usize,
    ) -> Result<(usize, usize), WriteGrantError> {
        let (start, len) = half(self).reserve_most()?;
        Ok((start * WORD_BYTES, (len * WORD_BYTES).min(bytes)))
    }

    fn grant_exact(&self, _capacity: usize, bytes: usize) -> Result<usize, WriteGrantError> {
        half(self)
            .reserve(bytes / WORD_BYTES)
            .map(|start| start * WORD_BYTES)
    }

    fn commit_inner(&self, _capacity: usize, _granted: usize, used: usize) {
        half(self).commit(used / WORD_BYTES);
    }

    fn read(&self) -> Result<(usize, usize), ReadGrantError> {
        let (start, len) = half(self).readable()?;
        Ok((start * WORD_BYTES, len * WORD_BYTES))
    }

    fn release_inner(&self, used: usize) {
        half(self).release(used / WORD_BYTES);
    }
}
