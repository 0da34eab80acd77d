//! What a core publishes, mapped read-only.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr::null_mut;

use offsched_abi::console::Console;
use offsched_abi::log::LogRings;
use offsched_abi::region::{Region, RegionError};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// What a core publishes: its region and its console.
#[derive(Debug)]
pub struct Shared {
    base: *mut u8,
    bytes: usize,
}

impl Shared {
    pub(crate) fn map(file: &File, bytes: usize) -> io::Result<Self> {
        // SAFETY: a new mapping, which nothing else uses.
        let base = unsafe {
            mmap(
                null_mut(),
                bytes,
                ProtFlags::READ,
                MapFlags::SHARED,
                file,
                0,
            )
        }?;
        Ok(Self {
            base: base.cast(),
            bytes,
        })
    }

    /// The region, once the image has made it.
    ///
    /// # Errors
    /// [`RegionError`].
    pub fn region(&self) -> Result<Region<'_>, RegionError> {
        // SAFETY: the mapping lives as long as self. The image writes tables and entries before its first sign of life,
        // which START waits for, and words after it.
        unsafe { Region::from_raw(self.base, self.bytes) }
    }

    /// The core's console, once the image has made the region.
    ///
    /// # Errors
    /// [`RegionError`]; [`Tables`](RegionError::Tables) also if there is no room for a console.
    pub fn console(&self) -> Result<&Console, RegionError> {
        self.region()?.console().ok_or(RegionError::Tables)
    }

    /// The core's log rings, once the image has made the region.
    ///
    /// # Errors
    /// As [`console`](Self::console).
    pub fn logs(&self) -> Result<&LogRings, RegionError> {
        self.region()?.logs().ok_or(RegionError::Tables)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` and borrowed by nobody any more. It can fail for a mapping that is not there only.
        let _ = unsafe { munmap(self.base.cast(), self.bytes) };
    }
}
