//! Where messages wait: one slot for each node of an event task.
//!
//! A slot is touched by whoever owns its node: the spawner between taking the
//! node from the free list and queueing it, the dispatcher between taking it
//! from the ready list and freeing it, both inside kernel sections.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;

use crate::task::Job;

struct MessageSlot<P>(UnsafeCell<Option<P>>);

// SAFETY: a slot is reached only on the core, inside kernel sections, by the one owner of its node (module doc);
// P: Send because a message moves from the spawner's level to the task's.
unsafe impl<P: Send> Sync for MessageSlot<P> {}

/// The message slots of one event task.
pub struct Inbox<P, const N: usize> {
    slots: [MessageSlot<P>; N],
}

impl<P, const N: usize> Inbox<P, N> {
    /// An empty inbox.
    pub const fn new() -> Self {
        Self {
            slots: [const { MessageSlot(UnsafeCell::new(None)) }; N],
        }
    }

    /// The inbox without its length in the type.
    pub const fn view(&self) -> InboxView<'_, P> {
        InboxView { slots: &self.slots }
    }

    /// Takes the message of a job.
    ///
    /// # Safety
    /// Only from the [`Task::run`](crate::rt::Task::run) of the task that owns
    /// this inbox, with the job it was given, once, before [`Job::open`].
    #[inline(always)]
    pub unsafe fn take(&self, job: &Job) -> P {
        // SAFETY: the caller is the task's run, inside the kernel section, so the node and its slot are its own.
        let message = unsafe { (*self.slots[usize::from(job.slot)].0.get()).take() };
        message.expect("a queued job has a message: put() precedes the push")
    }

    /// Drops every message.
    ///
    /// # Safety
    /// Only when the core does not run (from the image's `init` or `drop`).
    pub unsafe fn reset(&self) {
        for slot in &self.slots {
            // SAFETY: nothing else runs on the core, so no one owns a node. The message is out of the slot before it is
            // dropped: what its destructor does finds the slot empty.
            drop(unsafe { (*slot.0.get()).take() });
        }
    }
}

impl<P, const N: usize> Default for Inbox<P, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// An inbox without its length in the type.
pub struct InboxView<'a, P> {
    slots: &'a [MessageSlot<P>],
}

impl<P> Clone for InboxView<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for InboxView<'_, P> {}

impl<P> InboxView<'_, P> {
    /// Puts a message into a slot.
    ///
    /// # Safety
    /// Inside a kernel section, by the owner of the slot's node.
    #[inline(always)]
    pub(crate) unsafe fn put(&self, slot: u16, message: P) {
        // SAFETY: the caller owns the node, so nobody else touches the slot.
        unsafe { *self.slots[usize::from(slot)].0.get() = Some(message) };
    }

    /// Takes a message back out of a slot.
    ///
    /// # Safety
    /// Inside a kernel section, by the owner of the slot's node.
    pub(crate) unsafe fn take(&self, slot: u16) -> Option<P> {
        // SAFETY: the caller owns the node, so nobody else touches the slot.
        unsafe { (*self.slots[usize::from(slot)].0.get()).take() }
    }

    pub(crate) fn holds(&self, slot: u16) -> bool {
        usize::from(slot) < self.slots.len()
    }
}
