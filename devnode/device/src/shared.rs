//! A core's shared memory, mapped read-only.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ptr::null_mut;

use offsched_abi::console::Console;
use offsched_abi::image::console_offset;
use offsched_abi::region::{Region, RegionError};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A core's shared memory.
#[derive(Debug)]
pub struct Shared {
    base: *mut u8,
    bytes: usize,
    console: usize,
}

impl Shared {
    pub(crate) fn map(file: &File, bytes: usize) -> io::Result<Self> {
        let console = console_offset(bytes).ok_or(io::ErrorKind::InvalidInput)?;
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
            console,
        })
    }

    /// The region, once the image has made it.
    ///
    /// # Errors
    /// [`RegionError`].
    pub fn region(&self) -> Result<Region<'_>, RegionError> {
        // SAFETY: the mapping lives as long as self. The image writes tables and entries before its first sign of life,
        // which START waits for, and words after it.
        unsafe { Region::from_raw(self.base, self.console) }
    }

    /// The core's console.
    pub fn console(&self) -> &Console {
        // SAFETY: within the mapping, page aligned; all of it atomic words.
        unsafe { &*self.base.add(self.console).cast::<Console>() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` and borrowed by nobody any more. It can fail for a mapping that is not there only.
        let _ = unsafe { munmap(self.base.cast(), self.bytes) };
    }
}
