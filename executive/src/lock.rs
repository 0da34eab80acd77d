//! Resources and their locks.
//!
//! A lock raises the ceiling to the resource's, which the macro computed as
//! the highest level of any task that uses it, runs the closure, and lowers
//! the ceiling again. Under the stack resource policy a task that has started
//! is never blocked, so the closure always runs at once.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::Core;
use crate::ceiling::Limit;

/// The static home of one resource.
pub struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: generated code reaches a slot on its core only, and either through a Lock (whose ceiling keeps every other
// user out), or as the local of one task, or shared with T: Sync. It asserts T: Send at the place of declaration.
unsafe impl<T> Sync for Slot<T> {}

impl<T> Slot<T> {
    /// An empty slot.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Fills the slot, without dropping what was in it.
    ///
    /// # Safety
    /// Nobody else may use the slot meanwhile.
    pub unsafe fn write(&self, value: T) {
        // SAFETY: exclusive by the caller's word.
        unsafe { (*self.0.get()).write(value) };
    }

    /// The value.
    ///
    /// # Safety
    /// The slot is filled, and nobody else uses it while the reference lives.
    #[allow(clippy::mut_from_ref)]
    #[inline(always)]
    pub unsafe fn get(&self) -> &mut T {
        // SAFETY: filled and exclusive by the caller's word.
        unsafe { (*self.0.get()).assume_init_mut() }
    }

    /// The value, for many readers.
    ///
    /// # Safety
    /// The slot is filled, and nobody writes it while the reference lives.
    #[inline(always)]
    pub unsafe fn read(&self) -> &T {
        // SAFETY: filled and not written by the caller's word.
        unsafe { (*self.0.get()).assume_init_ref() }
    }

    /// Drops the value and leaves the slot empty.
    ///
    /// # Safety
    /// The slot is filled and nobody uses it.
    pub unsafe fn drop_in_place(&self) {
        // SAFETY: filled and exclusive by the caller's word.
        unsafe { (*self.0.get()).assume_init_drop() };
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A task's access to a shared resource.
pub struct Lock<'a, T> {
    core: &'a Core,
    slot: &'a Slot<T>,
    ceiling: Limit,
    /// Not to leave the core.
    _here: PhantomData<*const ()>,
}

impl<'a, T> Lock<'a, T> {
    /// Access to `slot` under a ceiling.
    ///
    /// # Safety
    /// Called on `core` for a job of a task; `slot` is filled while the core
    /// runs; `ceiling` (1..=63) is at least the level of every task that is
    /// given a `Lock` of this slot, and nobody reaches the slot otherwise.
    #[inline(always)]
    pub unsafe fn new(core: &'a Core, slot: &'a Slot<T>, ceiling: u8) -> Self {
        Self {
            core,
            slot,
            ceiling: Limit::at(ceiling),
            _here: PhantomData,
        }
    }
}

impl<T> rtic_core::Mutex for Lock<'_, T> {
    type T = T;

    /// Runs `f` with the resource. No task that uses the resource can start
    /// meanwhile, nor any below its ceiling; those above it go on as usual.
    /// Never waits, and costs a compare and two stores when nothing came up.
    #[inline(always)]
    fn lock<R>(&mut self, f: impl FnOnce(&mut T) -> R) -> R {
        let old = self.core.words.raise(self.ceiling);
        // SAFETY: by `new`'s contract every other user of the slot is at or below the ceiling, and none of those can
        // start until it is lowered; the user that runs now is us, and `&mut self` keeps us from locking it twice
        // through this Lock; a task is given one Lock for a resource.
        let result = f(unsafe { self.slot.get() });
        self.core.leave(old);
        result
    }
}
