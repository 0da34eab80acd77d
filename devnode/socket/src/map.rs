//! Memory and descriptors that the core uses while they are replaced under it.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use offsched_abi::channel::{ChannelState, ChannelView, channel_bytes};
use offsched_abi::region::{Region, ServiceEntry};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::{DupFlags, Errno};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

use crate::error::DeviceError;

const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// A range of addresses that stays mapped, readable and writable, until dropped. What is mapped
/// there may change at any time, so it is only ever looked at as atomic words.
struct Mapping {
    base: *mut u8,
    bytes: usize,
}

// SAFETY: the mapping is plain memory of the process, tied to no thread; all access to it is
// through atomics, by the contract of the constructors that it is given to.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Zeroed memory of this process alone.
    fn anonymous(bytes: usize) -> Result<Self, Errno> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let base =
            unsafe { mmap_anonymous(ptr::null_mut(), bytes, READ_WRITE, MapFlags::PRIVATE)? };
        Ok(Self {
            base: base.cast(),
            bytes,
        })
    }

    /// The memory of `file`, shared.
    fn shared(file: &OwnedFd, bytes: usize) -> Result<Self, Errno> {
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: as for `anonymous`.
        let base = unsafe { mmap(ptr::null_mut(), bytes, READ_WRITE, flags, file, 0)? };
        Ok(Self {
            base: base.cast(),
            bytes,
        })
    }

    /// Puts the memory of `file`, or of nobody, where the old memory was. The kernel does it in
    /// one step: a thread that is using the range sees the old or the new, never a hole.
    fn replace(&self, file: Option<&OwnedFd>) -> Result<(), Errno> {
        let base = self.base.cast();
        let fixed = MapFlags::FIXED | MapFlags::POPULATE;
        // SAFETY: the range is this mapping's own, whole pages, and users of it expect any word of
        // it to change at any time (see the type).
        unsafe {
            match file {
                Some(file) => mmap(
                    base,
                    self.bytes,
                    READ_WRITE,
                    fixed | MapFlags::SHARED,
                    file,
                    0,
                )?,
                None => mmap_anonymous(base, self.bytes, READ_WRITE, fixed | MapFlags::PRIVATE)?,
            };
        }
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is this mapping's own; whoever borrowed it (region, channel views)
        // borrowed its owner, which is being dropped. Nothing to be done about an error.
        let _ = unsafe { munmap(self.base.cast(), self.bytes) };
    }
}

/// A memfd of `bytes` zero bytes whose size cannot change.
fn memfd(name: &str, bytes: usize) -> Result<OwnedFd, Errno> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = rustix::fs::memfd_create(name, flags)?;
    rustix::fs::ftruncate(&file, bytes as u64)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW)?;
    Ok(file)
}

/// The region, and the read-only descriptor that applications get.
pub(crate) struct RegionMap {
    region: Region<'static>,
    read_only: OwnedFd,
    _memory: Mapping,
}

impl RegionMap {
    /// A region of an offline core.
    pub(crate) fn new(
        services: &[ServiceEntry],
        channels: usize,
        tasks: usize,
        bytes: usize,
    ) -> Result<Self, DeviceError> {
        let os = || DeviceError::os("make the region's memory");
        let file = memfd("offsched-region", bytes).map_err(os())?;
        let memory = Mapping::shared(&file, bytes).map_err(os())?;
        // No new writable mapping from here on, whoever opens the file again and how.
        let seals = SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals).map_err(os())?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let read_only =
            rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(os())?;
        // SAFETY: the memory is fresh, zero, and mapped as long as `memory`, which lives beside
        // the region in this struct; the region is handed out only with the struct's lifetime.
        // After this, only the core and this crate write to it, as atomics.
        let region = unsafe { Region::format(memory.base, bytes, services, channels, tasks) }
            .map_err(DeviceError::Region)?;
        Ok(Self {
            region,
            read_only,
            _memory: memory,
        })
    }

    pub(crate) fn region(&self) -> Region<'_> {
        self.region
    }

    pub(crate) fn read_only(&self) -> &OwnedFd {
        &self.read_only
    }
}

/// The core's mapping of one channel: always the same addresses, new memory for every client.
pub(crate) struct ChannelMap {
    memory: Mapping,
    service: ServiceEntry,
}

impl ChannelMap {
    /// Of a service whose messages its rings take.
    pub(crate) fn new(service: ServiceEntry) -> Result<Self, Errno> {
        Ok(Self {
            memory: Mapping::anonymous(channel_bytes(service.ring_bytes as usize))?,
            service,
        })
    }

    /// Maps fresh pages for a client; the descriptor is for it.
    pub(crate) fn renew(&self) -> Result<OwnedFd, Errno> {
        let file = memfd("offsched-channel", self.memory.bytes)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SEAL)?;
        self.memory.replace(Some(&file))?;
        Ok(file)
    }

    /// Cuts the client off: what it still has mapped is nobody else's.
    pub(crate) fn cut_off(&self) -> Result<(), Errno> {
        self.memory.replace(None)
    }

    pub(crate) fn view<'a>(&'a self, state: &'a ChannelState) -> ChannelView<'a> {
        // SAFETY: the memory is mapped, of that size and page aligned for as long as `self`, and
        // its size is sealed; every user looks at it as atomic words, through a view.
        let view = unsafe { ChannelView::from_raw(state, self.memory.base, &self.service) };
        view.expect("a mapping is page aligned, and the service's messages fit its rings")
    }
}

/// An eventfd whose number never changes, so that the core can ring it without asking, while what
/// it rings is replaced for every client.
pub(crate) struct Bell {
    fd: OwnedFd,
}

impl Bell {
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Self { fd: new_eventfd()? })
    }

    /// Rings whoever has the newest eventfd. One system call, no lock, no memory: may be called in
    /// a signal handler. A full counter means that it is ringing already.
    pub(crate) fn ring(&self) {
        let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
    }

    /// A new eventfd behind the same number; the result is for the client.
    pub(crate) fn renew(&self) -> Result<OwnedFd, Errno> {
        let fresh = new_eventfd()?;
        // SAFETY: a second owner of the same number, never dropped, for the duration of one dup3,
        // which closes what was behind the number and puts `fresh` there in one step.
        let mut alias = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(self.fd.as_raw_fd()) });
        rustix::io::dup3(fresh.as_fd(), &mut alias, DupFlags::CLOEXEC)?;
        Ok(fresh)
    }
}

/// A non-blocking eventfd.
pub(crate) fn new_eventfd() -> Result<OwnedFd, Errno> {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
}
