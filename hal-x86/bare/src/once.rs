//! Statics that are set once, before anything could look at them.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A value that is written once, by the code that starts the core.
pub(crate) struct Once<T> {
    set: AtomicBool,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: an image runs on one core. `set` orders its one write before every read, interrupts on that core included.
unsafe impl<T: Sync> Sync for Once<T> {}

impl<T> Once<T> {
    pub const fn new() -> Self {
        Self {
            set: AtomicBool::new(false),
            value: UnsafeCell::new(None),
        }
    }

    /// Sets the value and returns it. A second call changes nothing.
    pub fn set(&self, value: T) -> Option<&T> {
        if !self.set.load(Ordering::Acquire) {
            // SAFETY: not set yet, so `get` hands out nothing; and there is one core, on which only the start calls this.
            unsafe { *self.value.get() = Some(value) };
            self.set.store(true, Ordering::Release);
        }
        self.get()
    }

    /// The value, once it is set.
    pub fn get(&self) -> Option<&T> {
        if !self.set.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: it is set, and then never written again.
        unsafe { (*self.value.get()).as_ref() }
    }
}
