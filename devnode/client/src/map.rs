//! Memory that the device hands out, mapped.
#![allow(unsafe_code)]

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use offsched_abi::channel::{AppEnd, ChannelView, channel_bytes};
use offsched_abi::header::State;
use offsched_abi::region::{Region, ServiceEntry};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::error::Error;
use crate::node::{Pages, RegionFile};

/// A piece of a file, mapped until dropped.
struct Mapping {
    base: *mut u8,
    bytes: usize,
}

// SAFETY: the mapping is plain memory of the process, tied to no thread; it is looked at only as
// atomic words or as bytes that nobody changes.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(
        file: BorrowedFd<'_>,
        offset: u64,
        bytes: usize,
        access: ProtFlags,
    ) -> Result<Self, Errno> {
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let base = unsafe { mmap(ptr::null_mut(), bytes, access, flags, file, offset)? };
        Ok(Self {
            base: base.cast(),
            bytes,
        })
    }

    /// The first 8 bytes; `None` if there are not so many.
    fn first_word(&self) -> Option<u64> {
        // SAFETY: within the mapping, which is page aligned; others may write the word, atomically.
        let word = || unsafe { &*self.base.cast::<AtomicU64>() }.load(Ordering::Acquire);
        (self.bytes >= size_of::<u64>()).then(word)
    }

    /// Puts memory of nobody where the old memory was, in one step.
    fn cut_off(&self) {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED;
        // SAFETY: the range is this mapping's own, and users of it expect any atomic word of it to
        // change at any time. On an error the old memory stays.
        let _ = unsafe { mmap_anonymous(self.base.cast(), self.bytes, access, flags) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping's own, and what was made of it (region, end) is
        // dropped before it: see the owners. Nothing to be done about an error.
        let _ = unsafe { munmap(self.base.cast(), self.bytes) };
    }
}

/// The region, read-only.
pub(crate) struct RegionMap {
    region: Region<'static>,
    _memory: Mapping,
}

impl RegionMap {
    pub(crate) fn new(region: &RegionFile) -> Result<Self, Error> {
        let bytes = region.bytes;
        let memory = Mapping::new(region.file.as_fd(), 0, bytes, ProtFlags::READ)
            .map_err(Error::os("map the device's region"))?;
        if memory.first_word() == Some(0) {
            // Loaded, and the image has not written its header yet.
            let state = State::Starting;
            return Err(Error::CoreGone { state });
        }
        // SAFETY: the memory is mapped for as long as `memory`, which lives beside the region in
        // this struct, and the region is handed out only with the struct's lifetime; the device does not take
        // pages away. Tables and entries are written before the magic word, which was seen: by a hosted device
        // before it hands the file out, by an image on its core, which is trusted not to write them again. All
        // else is atomics.
        let region = unsafe { Region::from_raw(memory.base, bytes) }.map_err(Error::Region)?;
        Ok(Self {
            region,
            _memory: memory,
        })
    }

    pub(crate) fn region(&self) -> Region<'_> {
        self.region
    }
}

/// A channel's pages and the application's end in them.
pub(crate) struct ChannelMap {
    // Before the memory that it refers to: fields are dropped in order.
    end: AppEnd<'static>,
    memory: Mapping,
    region: Arc<RegionMap>,
}

impl ChannelMap {
    /// The channel with that index, opened for us in `epoch`.
    pub(crate) fn new(
        pages: &Pages<'_>,
        region: Arc<RegionMap>,
        channel: usize,
        service: &ServiceEntry,
        epoch: u16,
    ) -> Result<Self, Error> {
        let bytes = channel_bytes(service.ring_bytes as usize);
        if pages.bytes != bytes {
            return Err(Error::Protocol(
                "the channel has not the size of its service's rings",
            ));
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let memory = Mapping::new(pages.file, pages.offset, bytes, access)
            .map_err(Error::os("map the channel"))?;
        let state = region
            .region
            .channels()
            .get(channel)
            .ok_or(Error::Protocol("a channel outside the region's table"))?;
        // SAFETY: the memory has that size and is mapped for as long as `memory`, beside the end in
        // this struct and dropped after it; the end is lent only with the struct's lifetime. Both
        // sides look at it as atomic words. (`state` lives as long as `region`, also here.)
        let view = unsafe { ChannelView::from_raw(state, memory.base, service) };
        let view = view.ok_or(Error::Protocol(
            "a channel that is not page aligned, or too small for its service's messages",
        ))?;
        Ok(Self {
            end: AppEnd::new(view, epoch),
            memory,
            region,
        })
    }

    /// The end; its lifetime is cut down to the struct's by never handing it out by value.
    pub(crate) fn with<R>(&mut self, call: impl for<'a> FnOnce(&mut AppEnd<'a>) -> R) -> R {
        call(&mut self.end)
    }

    /// From here on the end has memory of its own: before the device takes the channel back, whose
    /// pages can then be gone.
    pub(crate) fn cut_off(&mut self) {
        self.memory.cut_off();
    }

    pub(crate) fn region(&self) -> &Arc<RegionMap> {
        &self.region
    }
}
