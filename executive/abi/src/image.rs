//! What an image on an offloaded core and the kernel module agree on: where things are, and what
//! the module tells the image. The module's side is `devnode/kmod/offsched.h`; the assertions
//! below hold the two together.
//!
//! ```text
//! 0x4000_0000  the image's segments, never writable and executable at once
//! 0x6000_0000  parameters, one page, read-only
//! 0x6000_1000  the local APIC, one page (xAPIC only)
//! 0x6020_0000  shared memory: the region, and at its end the console
//! ```

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::console::Console;
use crate::header::LAYOUT_HASH;
use crate::region::RegionError;
use crate::sync::{AtomicU32, load_acquire_u32};
use crate::{ABI_VERSION, PAGE_BYTES, page_align};

/// The image's window, from here.
pub const IMAGE_BASE: u64 = 0x4000_0000;
/// To here.
pub const IMAGE_END: u64 = 0x6000_0000;
/// Address of the [`Params`].
pub const PARAMS_ADDRESS: usize = 0x6000_0000;
/// Address of the local APIC's registers.
pub const LAPIC_ADDRESS: usize = 0x6000_1000;
/// Address of the shared memory.
pub const SHARED_ADDRESS: usize = 0x6020_0000;
/// Most shared memory, bytes.
pub const SHARED_MAX: u64 = 0x1000_0000;
/// The interrupt vector by which Linux asks the core to look at its parameters.
pub const DOORBELL_VECTOR: u8 = 0x41;
/// First word of the [`Params`]: "offparm" and the structure's version.
pub const PARAMS_MAGIC: u64 = u64::from_le_bytes(*b"offparm\x01");

/// What the module tells the image. Linux writes it, the core only reads.
#[repr(C)]
#[derive(Debug)]
pub struct Params {
    /// [`PARAMS_MAGIC`].
    pub magic: u64,
    /// Physical address of the image's page tables.
    pub root: u64,
    /// Bytes of shared memory, whole pages.
    pub shared_bytes: u64,
    /// The TSC's frequency as Linux has it, kHz.
    pub tsc_khz: u64,
    /// A reading of the TSC, cycles.
    pub tsc: u64,
    /// CLOCK_MONOTONIC at that reading, ns.
    pub monotonic_ns: u64,
    /// Linux's number of the CPU.
    pub cpu: u32,
    /// Its local APIC's number.
    pub apic_id: u32,
    /// How often a core was started on this CPU.
    pub epoch: u32,
    stop: AtomicU32,
}

const _: () = {
    assert!(size_of::<Params>() == 64 && offset_of!(Params, root) == 8);
    assert!(offset_of!(Params, cpu) == 48 && offset_of!(Params, stop) == 60);
    assert!(PARAMS_MAGIC == 0x016d_7261_7066_666f);
};

impl Params {
    /// True once Linux has asked the image to end.
    pub fn stop_requested(&self) -> bool {
        load_acquire_u32(&self.stop) != 0
    }
}

/// Bytes of the console at the end of shared memory, whole pages.
pub const CONSOLE_BYTES: usize = page_align(size_of::<Console>());

/// Where in shared memory the console is; `None` if there is no room for one.
pub const fn console_offset(shared_bytes: usize) -> Option<usize> {
    if !shared_bytes.is_multiple_of(PAGE_BYTES) {
        return None;
    }
    shared_bytes.checked_sub(CONSOLE_BYTES)
}

/// Owner of an image's ELF note, with its zero and padding.
pub const NOTE_NAME: &[u8; 12] = b"offsched\0\0\0\0";
/// Type of the note whose description is an [`ImageInfo`].
pub const NOTE_TYPE: u32 = 1;

/// What an image says about itself, in an ELF note. All words little endian; 64-bit values in two
/// halves, since notes are aligned to 4.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct ImageInfo {
    abi_version: u32,
    layout_hash: [u32; 2],
    shared_bytes: [u32; 2],
}

impl ImageInfo {
    /// Of an image built with this crate that needs so many bytes of shared memory.
    pub const fn new(shared_bytes: u64) -> Self {
        Self {
            abi_version: ABI_VERSION,
            layout_hash: halves(LAYOUT_HASH),
            shared_bytes: halves(shared_bytes),
        }
    }

    /// Bytes of shared memory that the image needs.
    pub const fn shared_bytes(&self) -> u64 {
        whole(self.shared_bytes)
    }

    /// Whether this program can work with the image.
    ///
    /// # Errors
    /// [`RegionError::Version`] or [`RegionError::Layout`].
    pub const fn check(&self) -> Result<(), RegionError> {
        if self.abi_version != ABI_VERSION {
            return Err(RegionError::Version {
                found: self.abi_version,
            });
        }
        match whole(self.layout_hash) {
            LAYOUT_HASH => Ok(()),
            found => Err(RegionError::Layout { found }),
        }
    }
}

const fn halves(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

const fn whole([low, high]: [u32; 2]) -> u64 {
    (high as u64) << 32 | low as u64
}
