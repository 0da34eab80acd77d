//! The pages of a channel and a view of them.

use crate::channel::{ChannelState, WAKE_MAIL, WAKE_ROOM};
#[cfg(not(loom))]
use crate::region::ServiceEntry;
use crate::ring::{Ring, RingWords};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::{PAGE_BYTES, page_align};

/// One side's wake word, on a line pair of its own: what the other side is asked to ring for
/// ([`WAKE_MAIL`], [`WAKE_ROOM`]); 0 while the side looks by itself.
#[repr(C, align(128))]
#[derive(Debug, Default)]
pub struct WakeLine {
    pub(super) wants: AtomicU32,
}

impl WakeLine {
    /// Stores anything, as a lying peer would: for tests.
    #[doc(hidden)]
    pub fn scribble(&self, word: u32) {
        self.wants.store(word, Ordering::Relaxed);
    }
}

/// The first page of a channel: wake words and ring indices. All zero is a channel never opened.
#[repr(C)]
#[cfg_attr(not(loom), repr(align(4096)))]
#[derive(Debug, Default)]
pub struct ControlPage {
    /// Set by the core, taken back by the application when it rings.
    pub core: WakeLine,
    /// Set by the application, taken back by the core when it rings.
    pub app: WakeLine,
    /// Indices of the ring to the core.
    pub to_core: RingWords,
    /// Indices of the ring from the core.
    pub from_core: RingWords,
}

impl ControlPage {
    /// A page of a channel never opened.
    pub fn new() -> Self {
        Self::default()
    }
}

#[cfg(not(loom))]
const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<ControlPage>() == PAGE_BYTES);
    assert!(offset_of!(ControlPage, app) == 128);
    assert!(offset_of!(ControlPage, to_core) == 256);
    assert!(offset_of!(ControlPage, from_core) == 512);
};

/// Data bytes of one ring for a service that asks for `ring_bytes`: whole pages, at least one.
pub const fn ring_data_bytes(ring_bytes: usize) -> usize {
    if ring_bytes == 0 {
        PAGE_BYTES
    } else {
        page_align(ring_bytes)
    }
}

/// Bytes of a channel whose rings have `ring_bytes` each: control page and both rings' data.
pub const fn channel_bytes(ring_bytes: usize) -> usize {
    PAGE_BYTES + 2 * ring_data_bytes(ring_bytes)
}

/// The one size of the messages in each ring of a channel, bytes; 0: they have any, and a header each. Both sides have it
/// from the service's entry ([`ServiceEntry::sizes`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Of messages to the core.
    pub to_core: usize,
    /// Of messages from the core.
    pub from_core: usize,
}

/// A channel as mapped by one side. Safe to hold whatever the other side does: all of it is
/// atomic words.
#[derive(Clone, Copy, Debug)]
pub struct ChannelView<'a> {
    pub(super) state: &'a ChannelState,
    pub(super) control: &'a ControlPage,
    pub(super) to_core: Ring<'a>,
    pub(super) from_core: Ring<'a>,
}

impl<'a> ChannelView<'a> {
    /// A channel of separate parts, for messages of any size; the data slices belong to the rings to and from the core.
    /// `None` if one of them is too small ([`crate::ring::RING_WORDS_MIN`]).
    pub fn from_parts(
        state: &'a ChannelState,
        control: &'a ControlPage,
        to_core: &'a [AtomicU64],
        from_core: &'a [AtomicU64],
    ) -> Option<Self> {
        Some(Self {
            state,
            control,
            to_core: Ring::new(&control.to_core, to_core)?,
            from_core: Ring::new(&control.from_core, from_core)?,
        })
    }

    /// The channel for messages of these sizes only. `None` if they are too long for its rings.
    pub fn of_sizes(self, sizes: Sizes) -> Option<Self> {
        Some(Self {
            to_core: self.to_core.of_size(sizes.to_core)?,
            from_core: self.from_core.of_size(sizes.from_core)?,
            ..self
        })
    }

    /// A channel of `service` in mapped memory; `None` if `base` is not page aligned, or the service's messages are too
    /// long for its rings.
    ///
    /// # Safety
    /// For all of `'a`, `base` points to [`channel_bytes(service.ring_bytes)`](channel_bytes) bytes of
    /// mapped, readable and writable memory, which nothing in this program accesses other than as
    /// atomic words. Other programs may do to it what they like, except unmap or shrink it.
    #[cfg(not(loom))]
    pub unsafe fn from_raw(
        state: &'a ChannelState,
        base: *mut u8,
        service: &ServiceEntry,
    ) -> Option<Self> {
        if base.is_null() || !base.addr().is_multiple_of(PAGE_BYTES) {
            return None;
        }
        let data_bytes = ring_data_bytes(service.ring_bytes as usize);
        let words = data_bytes / crate::ring::WORD_BYTES;
        // SAFETY: the caller vouches for the memory's extent, life and use; it is page aligned,
        // which every part asks at most; any bit pattern is a valid value of the atomics in it.
        let (control, to_core, from_core) = unsafe {
            let data = base.add(PAGE_BYTES);
            (
                &*base.cast::<ControlPage>(),
                core::slice::from_raw_parts(data.cast::<AtomicU64>(), words),
                core::slice::from_raw_parts(data.add(data_bytes).cast::<AtomicU64>(), words),
            )
        };
        Self::from_parts(state, control, to_core, from_core)?.of_sizes(service.sizes())
    }

    /// Opens the channel for an application and returns the epoch, or `None` if it is not free.
    /// Linux's side only. Until the core's end says otherwise, the application rings for it.
    pub fn open(&self) -> Option<u16> {
        self.control.app.wants.store(0, Ordering::Relaxed);
        self.control
            .core
            .wants
            .store(WAKE_MAIL | WAKE_ROOM, Ordering::Relaxed);
        self.state.open()
    }

    /// The channel's state word.
    pub fn state(&self) -> &'a ChannelState {
        self.state
    }

    /// The control page. For tests that play a hostile peer.
    #[doc(hidden)]
    pub fn control(&self) -> &'a ControlPage {
        self.control
    }

    /// The longest payload in bytes, either way.
    pub fn max_frame(&self) -> usize {
        self.to_core.max_frame().min(self.from_core.max_frame())
    }
}
