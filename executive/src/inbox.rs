//! Where messages wait: an event task's places, and the messages in them.
//!
//! A place goes with a node of the task. Free places are a `heapless::Vec`, used as a stack; a message is in its place
//! from the spawn to the start of its job (or its cancel), wherever its node waits meanwhile. (The messages themselves
//! do not stand in a queue: a job that waits for its tick can be taken back, and one spawned later may run first.)
//!
//! A place is touched by whoever has taken it from the free ones, and these by everybody, all inside kernel sections.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;

use heapless::vec::{Vec, VecView};

use crate::task::Job;

struct Slot<P>(UnsafeCell<Option<P>>);

// SAFETY: a slot is reached on the core only, inside kernel sections, by the one owner of its place (module doc). That a
// message may move from the spawner's level to the task's, generated code asserts at the place of its declaration.
unsafe impl<P> Sync for Slot<P> {}

/// The free places: a `Vec<u16, N>`, or a `VecView<u16>` of one.
struct Free<V: ?Sized>(UnsafeCell<V>);

// SAFETY: reached on the core only, inside kernel sections (module doc), and numbers can go anywhere.
unsafe impl<V: ?Sized> Sync for Free<V> {}

/// The inbox of one event task with a capacity of `N`.
pub struct Inbox<P, const N: usize> {
    slots: [Slot<P>; N],
    free: Free<Vec<u16, N>>,
}

impl<P, const N: usize> Inbox<P, N> {
    /// An inbox with no place yet: see [`reset`](Self::reset).
    pub const fn new() -> Self {
        Self {
            slots: [const { Slot(UnsafeCell::new(None)) }; N],
            free: Free(UnsafeCell::new(Vec::new())),
        }
    }

    /// The inbox without its capacity in the type.
    #[inline(always)]
    pub const fn view(&self) -> InboxView<'_, P> {
        InboxView {
            slots: &self.slots,
            free: &self.free,
        }
    }

    /// Takes the message of a job, and frees its place.
    ///
    /// # Safety
    /// Only from the [`Task::run`](crate::rt::Task::run) of the task that owns
    /// this inbox, with the job it was given, once, before [`Job::open`].
    #[inline(always)]
    pub unsafe fn take(&self, job: &Job) -> P {
        // SAFETY: the caller is the task's run, inside the kernel section, so the place is its own.
        let message = unsafe { (*self.slots[usize::from(job.place)].0.get()).take() };
        if job.queued {
            // SAFETY: inside the kernel section.
            unsafe { self.view().give_back(job.place) };
        }
        message.expect("a job's message is put into its place before the job is queued or run")
    }

    /// Drops every message, and frees the first `capacity` places.
    ///
    /// # Safety
    /// Only when no job runs on the core (from the image's `init` or `drop`);
    /// `capacity` is the task's.
    pub unsafe fn reset(&self, capacity: u16) {
        for slot in &self.slots {
            // SAFETY: nothing else runs on the core, so no one owns a place. The message is out of the slot before it is
            // dropped: what its destructor does finds the slot empty.
            drop(unsafe { (*slot.0.get()).take() });
        }
        // SAFETY: nothing else runs on the core; and nothing is called while the reference lives.
        let free = unsafe { &mut *self.free.0.get() };
        free.clear();
        // The first place is taken first. A capacity above N leaves those out that are not there.
        free.extend((0..capacity.min(N as u16)).rev());
    }
}

impl<P, const N: usize> Default for Inbox<P, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// An inbox without its capacity in the type.
pub struct InboxView<'a, P> {
    slots: &'a [Slot<P>],
    free: &'a Free<VecView<u16>>,
}

impl<P> Clone for InboxView<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for InboxView<'_, P> {}

impl<P> InboxView<'_, P> {
    /// The place that is taken next; `None`: all are in use.
    ///
    /// # Safety
    /// Inside a kernel section.
    #[inline(always)]
    pub(crate) unsafe fn next_place(&self) -> Option<u16> {
        // SAFETY: inside a kernel section, so nobody else has a reference.
        unsafe { &*self.free.0.get() }.last().copied()
    }

    /// Takes that place.
    ///
    /// # Safety
    /// Inside a kernel section.
    #[inline(always)]
    pub(crate) unsafe fn take_place(&self) {
        // SAFETY: inside a kernel section, so nobody else has a reference.
        unsafe { &mut *self.free.0.get() }.pop();
    }

    /// Frees a place.
    ///
    /// # Safety
    /// Inside a kernel section, by the owner of the place, once; its message has been taken out.
    #[inline(always)]
    pub(crate) unsafe fn give_back(&self, place: u16) {
        // SAFETY: inside a kernel section, so nobody else has a reference.
        let kept = unsafe { &mut *self.free.0.get() }.push(place);
        debug_assert!(kept.is_ok(), "a place is freed twice");
    }

    /// Puts a message into a place.
    ///
    /// # Safety
    /// Inside a kernel section, by the owner of the place, or into the next one that is free.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, place: u16, message: P) {
        // SAFETY: inside a kernel section, nobody else touches the place.
        unsafe { *self.slots[usize::from(place)].0.get() = Some(message) };
    }

    /// Takes a message back out of a place.
    ///
    /// # Safety
    /// Inside a kernel section, by the owner of the place.
    pub(crate) unsafe fn take_back(&self, place: u16) -> Option<P> {
        // SAFETY: inside a kernel section, by the place's owner.
        unsafe { (*self.slots[usize::from(place)].0.get()).take() }
    }
}
