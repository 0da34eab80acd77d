//! What a core publishes, mapped read-only.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr::null_mut;

use offsched_abi::console::Console;
use offsched_abi::image::{CONSOLE_BYTES, LOG_BYTES};
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
        let place = self.behind_region(0, CONSOLE_BYTES)?;
        // SAFETY: within the mapping (checked), page aligned; all of it atomic words.
        Ok(unsafe { &*place.cast::<Console>() })
    }

    /// The core's log rings, once the image has made the region.
    ///
    /// # Errors
    /// As [`console`](Self::console).
    pub fn logs(&self) -> Result<&LogRings, RegionError> {
        let place = self.behind_region(CONSOLE_BYTES, LOG_BYTES)?;
        // SAFETY: within the mapping (checked), page aligned; all of it atomic words.
        Ok(unsafe { &*place.cast::<LogRings>() })
    }

    /// Where so many bytes are, so far behind the region's end; both whole pages.
    fn behind_region(&self, offset: usize, bytes: usize) -> Result<*const u8, RegionError> {
        let region = self.region()?.header().tables().region_bytes as usize;
        let start = region.checked_add(offset);
        let end = start.and_then(|start| start.checked_add(bytes));
        match (start, end) {
            (Some(start), Some(end)) if end <= self.bytes => Ok(self.base.wrapping_add(start)),
            _ => Err(RegionError::Tables),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` and borrowed by nobody any more. It can fail for a mapping that is not there only.
        let _ = unsafe { munmap(self.base.cast(), self.bytes) };
    }
}
