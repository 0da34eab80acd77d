//! What an image on an offloaded core and the kernel module agree on: where things are, and what
//! the module tells the image. The module's side is `devnode/kmod/offsched.h`; the assertions
//! below hold the two together.
//!
//! ```text
//! 0x4000_0000  the image's segments, never writable and executable at once
//! 0x6000_0000  parameters, one page, read-only
//! 0x6000_1000  the local APIC, one page (xAPIC only)
//! 0x6020_0000  shared memory
//!                the region: header, tables, telemetry      \ public: read-only to
//!                the console, the log rings                  / every application
//!                the channels, in the tables' order: each to its own client
//! ```

use core::mem::offset_of;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::console::Console;
use crate::header::LAYOUT_HASH;
use crate::log::LogRings;
use crate::region::{RegionError, tables_for};
use crate::sync::{AtomicU32, AtomicU64, load_acquire_u32, load_acquire_u64};
use crate::{ABI_VERSION, page_align};

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
    notify: AtomicU64,
    dump: AtomicU32,
    _reserved: u32,
}

/// Address of the word by which Linux tells what a non-maskable interrupt is for: not 0, and the image is to leave a crash
/// record and end, whatever it was at. It did not end when it was asked.
pub const DUMP_ADDRESS: usize = PARAMS_ADDRESS + offset_of!(Params, dump);

/// Where the core sends the interrupt that wakes Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The interrupt's vector.
    pub vector: u8,
    /// Physical number of the local APIC that takes it.
    pub apic_id: u32,
}

const _: () = {
    assert!(size_of::<Params>() == 80 && offset_of!(Params, notify) == 64);
    assert!(offset_of!(Params, shared_bytes) == 16 && offset_of!(Params, root) == 8);
    assert!(offset_of!(Params, cpu) == 48 && offset_of!(Params, stop) == 60);
    assert!(DUMP_ADDRESS == 0x6000_0048);
    assert!(PARAMS_MAGIC == 0x016d_7261_7066_666f);
};

impl Params {
    /// True once Linux has asked the image to end.
    pub fn stop_requested(&self) -> bool {
        load_acquire_u32(&self.stop) != 0
    }

    /// Whom to interrupt: Linux moves its handler between processors, so look each time. `None`
    /// while it has none.
    pub fn notify(&self) -> Option<Notify> {
        let word = load_acquire_u64(&self.notify);
        let vector = word as u8;
        (vector >= FIRST_VECTOR).then_some(Notify {
            vector,
            apic_id: (word >> 32) as u32,
        })
    }
}

/// Below are the processor's own exceptions.
const FIRST_VECTOR: u8 = 0x20;

/// Bytes of the console, whole pages.
pub const CONSOLE_BYTES: usize = page_align(size_of::<Console>());

/// Bytes of the log rings, whole pages.
pub const LOG_BYTES: usize = page_align(size_of::<LogRings>());

/// What an app's declarations ask of shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Services that applications can bind.
    pub services: usize,
    /// Channels of all services together.
    pub channels: usize,
    /// Tasks with telemetry.
    pub tasks: usize,
    /// Bytes of all channels together ([`channel_bytes`](crate::channel::channel_bytes) each).
    pub channel_bytes: u64,
}

/// Where the parts of an image's shared memory are: offsets in bytes, whole pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The console, right after the region.
    pub console: u64,
    /// The log rings, right after the console.
    pub logs: u64,
    /// End of what applications may see, and the first channel.
    pub public_bytes: u64,
    /// End of it all.
    pub shared_bytes: u64,
}

impl Layout {
    /// The layout for an app; `None` if it needs more of anything than there can be.
    pub const fn new(needs: &Needs) -> Option<Self> {
        let Some(tables) = tables_for(needs.services, needs.channels, needs.tasks) else {
            return None;
        };
        let console = tables.region_bytes;
        let logs = console + CONSOLE_BYTES as u64;
        let public_bytes = logs + LOG_BYTES as u64;
        match public_bytes.checked_add(needs.channel_bytes) {
            Some(shared_bytes) if shared_bytes <= SHARED_MAX => Some(Self {
                console,
                logs,
                public_bytes,
                shared_bytes,
            }),
            _ => None,
        }
    }
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
    public_bytes: [u32; 2],
}

impl ImageInfo {
    /// Of an image built with this crate with that shared memory.
    pub const fn new(layout: &Layout) -> Self {
        Self {
            abi_version: ABI_VERSION,
            layout_hash: halves(LAYOUT_HASH),
            shared_bytes: halves(layout.shared_bytes),
            public_bytes: halves(layout.public_bytes),
        }
    }

    /// Bytes of its shared memory that every application may see.
    pub const fn public_bytes(&self) -> u64 {
        whole(self.public_bytes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PAGE_BYTES;
    use crate::channel::channel_bytes;

    const NEEDS: Needs = Needs {
        services: 1,
        channels: 3,
        tasks: 5,
        channel_bytes: 3 * channel_bytes(5000) as u64,
    };

    #[test]
    fn parts_follow_each_other_in_whole_pages() {
        let layout = Layout::new(&NEEDS).unwrap();
        let region = tables_for(1, 3, 5).unwrap().region_bytes;
        assert_eq!(layout.console, region);
        assert_eq!(layout.logs, region + CONSOLE_BYTES as u64);
        assert_eq!(layout.public_bytes, layout.logs + LOG_BYTES as u64);
        // A control page, and two rings of two pages.
        let channels = 3 * 5 * PAGE_BYTES as u64;
        assert_eq!(layout.shared_bytes, layout.public_bytes + channels);
        assert_eq!(layout.shared_bytes % PAGE_BYTES as u64, 0);
        assert_eq!(layout.public_bytes % PAGE_BYTES as u64, 0);
    }

    #[test]
    fn there_is_a_most_of_everything() {
        let public = Layout::new(&NEEDS).unwrap().public_bytes;
        let with = |channel_bytes| {
            Layout::new(&Needs {
                channel_bytes,
                ..NEEDS
            })
        };
        assert!(with(SHARED_MAX - public).is_some());
        assert_eq!(with(SHARED_MAX - public + 1), None);
        assert_eq!(with(u64::MAX), None);
        let channels = crate::region::CHANNELS_MAX + 1;
        assert_eq!(Layout::new(&Needs { channels, ..NEEDS }), None);
    }

    #[test]
    fn nobody_is_notified_by_an_exception() {
        let params = |notify| Params {
            magic: PARAMS_MAGIC,
            root: 0,
            shared_bytes: 0,
            tsc_khz: 0,
            tsc: 0,
            monotonic_ns: 0,
            cpu: 0,
            apic_id: 0,
            epoch: 0,
            stop: AtomicU32::new(0),
            notify: AtomicU64::new(notify),
            dump: AtomicU32::new(0),
            _reserved: 0,
        };
        assert_eq!(params(0).notify(), None);
        assert_eq!(params(0x0000_0007_0000_001f).notify(), None);
        let notify = params(0x0001_0007_0000_0024).notify();
        let (vector, apic_id) = (0x24, 0x0001_0007);
        assert_eq!(notify, Some(Notify { vector, apic_id }));
    }
}
