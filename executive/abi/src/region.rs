//! The region of one core: its header page and the tables behind it, made and read with checks; and
//! behind those, where there is room, the console and the log rings.

use core::fmt;
use core::mem::offset_of;

use crate::channel::{ChannelState, Sizes};
use crate::console::Console;
use crate::header::{Header, LAYOUT_HASH, MAGIC, Tables};
use crate::image::{CONSOLE_BYTES, LOG_BYTES};
use crate::log::LogRings;
use crate::message::MessageType;
use crate::telemetry::{CoreTelemetry, TaskTelemetry};
use crate::{ABI_VERSION, PAGE_BYTES, page_align};

/// Most services in a region.
pub const SERVICES_MAX: usize = 64;
/// Most channels in a region, all services together.
pub const CHANNELS_MAX: usize = 1024;
/// Most tasks in a region.
pub const TASKS_MAX: usize = 4096;
/// Bytes of a service's name, padded with zeros.
pub const NAME_BYTES: usize = 32;

/// What an application may bind to. "rx" and "tx" are the core's: it receives rx, it sends tx.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceEntry {
    /// UTF-8, padded with zeros.
    pub name: [u8; NAME_BYTES],
    /// Applications that may be bound at a time: so many channels.
    pub clients: u32,
    /// Data bytes of each ring of a channel, as declared.
    pub ring_bytes: u32,
    /// Longest message to the core, bytes.
    pub rx_size: u32,
    /// Longest message from the core, bytes.
    pub tx_size: u32,
    /// Index of its first channel; the others follow.
    pub first_channel: u32,
    /// Zero.
    pub reserved: u32,
    /// What messages to the core are.
    pub rx_type: MessageType,
    /// What messages from the core are.
    pub tx_type: MessageType,
}

impl ServiceEntry {
    /// The name up to its padding, or up to the first byte that is not UTF-8.
    pub fn name(&self) -> &str {
        name_str(&self.name)
    }

    /// True if a client that states these identities (0: none) means this service's messages.
    pub fn takes(&self, rx_type: u64, tx_type: u64) -> bool {
        self.rx_type.agrees_with(rx_type) && self.tx_type.agrees_with(tx_type)
    }

    /// The one size of messages to the core, bytes; `None` if their type is not stated, and any that is not too long
    /// goes.
    pub fn rx_exactly(&self) -> Option<usize> {
        (self.rx_type.id != 0).then_some(self.rx_size as usize)
    }

    /// How the messages lie in the rings of its channels: those of a stated type without headers.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            to_core: self.rx_exactly().unwrap_or(0),
            from_core: self.tx_exactly().unwrap_or(0),
        }
    }

    /// As [`rx_exactly`](Self::rx_exactly), of those from the core.
    fn tx_exactly(&self) -> Option<usize> {
        (self.tx_type.id != 0).then_some(self.tx_size as usize)
    }
}

/// A padded name as text.
pub fn name_str(name: &[u8; NAME_BYTES]) -> &str {
    let end = name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(NAME_BYTES);
    match core::str::from_utf8(&name[..end]) {
        Ok(text) => text,
        Err(error) => core::str::from_utf8(&name[..error.valid_up_to()]).unwrap_or_default(),
    }
}

/// A name padded to its field; `None` if it is empty, too long or contains a zero.
pub fn name_bytes(name: &str) -> Option<[u8; NAME_BYTES]> {
    let mut bytes = [0; NAME_BYTES];
    bytes
        .get_mut(..name.len())?
        .copy_from_slice(name.as_bytes());
    (!name.is_empty() && !name.contains('\0')).then_some(bytes)
}

/// Why memory is not a region that this program can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionError {
    /// Too small, misaligned, or without the magic word.
    NotARegion,
    /// Made for another version of the ABI.
    Version {
        /// The version found.
        found: u32,
    },
    /// Made for another layout of this version.
    Layout {
        /// The layout hash found.
        found: u64,
    },
    /// A table lies outside the region, is misaligned, or has too many entries.
    Tables,
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARegion => write!(f, "this memory is not an offsched region"),
            Self::Version { found } => write!(
                f,
                "the region has ABI version {found}, this program {ABI_VERSION}: \
                 update the older of the two"
            ),
            Self::Layout { found } => write!(
                f,
                "the region's layout ({found:#018x}) is not this program's \
                 ({LAYOUT_HASH:#018x}): build both from the same sources"
            ),
            Self::Tables => write!(f, "the region's tables are damaged"),
        }
    }
}

impl core::error::Error for RegionError {}

/// The tables of a region with so many services, channels and tasks, with nothing else public;
/// `None` above a maximum.
pub const fn tables_for(services: usize, channels: usize, tasks: usize) -> Option<Tables> {
    if services > SERVICES_MAX || channels > CHANNELS_MAX || tasks > TASKS_MAX {
        return None;
    }
    let services_offset = PAGE_BYTES;
    let channels_offset = services_offset + page_align(services * size_of::<ServiceEntry>());
    let telemetry_offset = channels_offset + page_align(channels * size_of::<ChannelState>());
    let region_bytes = page_align(
        telemetry_offset + size_of::<CoreTelemetry>() + tasks * size_of::<TaskTelemetry>(),
    );
    Some(Tables {
        region_bytes: region_bytes as u64,
        public_bytes: region_bytes as u64,
        services_offset: services_offset as u32,
        services: services as u32,
        channels_offset: channels_offset as u32,
        channels: channels as u32,
        telemetry_offset: telemetry_offset as u32,
        tasks: tasks as u32,
    })
}

const _: () = {
    assert!(size_of::<ServiceEntry>() == 136 && offset_of!(ServiceEntry, clients) == 32);
    assert!(offset_of!(ServiceEntry, rx_type) == 56 && offset_of!(ServiceEntry, tx_type) == 96);
    assert!(align_of::<CoreTelemetry>() <= PAGE_BYTES);
    // The task table follows the core's telemetry without a gap.
    assert!(size_of::<CoreTelemetry>().is_multiple_of(align_of::<TaskTelemetry>()));
    let most = match tables_for(SERVICES_MAX, CHANNELS_MAX, TASKS_MAX) {
        Some(tables) => tables.region_bytes,
        None => 0,
    };
    assert!(most > 0 && most <= u32::MAX as u64);
};

/// A mapped region whose header was checked.
#[derive(Clone, Copy, Debug)]
pub struct Region<'a> {
    header: &'a Header,
    services: &'a [ServiceEntry],
    channels: &'a [ChannelState],
    core: &'a CoreTelemetry,
    tasks: &'a [TaskTelemetry],
    console: Option<&'a Console>,
    logs: Option<&'a LogRings>,
}

impl<'a> Region<'a> {
    /// Makes a region in zeroed memory, of a core that is offline. All of the `bytes` are public:
    /// what the region's tables do not need has room for the console, then for the log rings.
    ///
    /// # Errors
    /// [`RegionError::NotARegion`] if the memory is too small or not whole, aligned pages,
    /// [`RegionError::Tables`] above a maximum.
    ///
    /// # Safety
    /// As [`from_raw`](Self::from_raw); the memory is zero and writable, and nobody else has a
    /// reference to it yet.
    pub unsafe fn format(
        base: *mut u8,
        bytes: usize,
        services: &[ServiceEntry],
        channels: usize,
        tasks: usize,
    ) -> Result<Self, RegionError> {
        let tables = tables_for(services.len(), channels, tasks).ok_or(RegionError::Tables)?;
        let whole = is_page(base) && bytes.is_multiple_of(PAGE_BYTES);
        if !whole || (bytes as u64) < tables.region_bytes {
            return Err(RegionError::NotARegion);
        }
        let tables = Tables {
            public_bytes: bytes as u64,
            ..tables
        };
        // SAFETY: the caller vouches for the memory; it is page aligned and the header and table
        // lie within it (checked above, and `tables_for` puts them one after the other).
        unsafe {
            let header = base.cast::<Header>();
            header.write(Header::unnamed(tables));
            let table = base
                .add(tables.services_offset as usize)
                .cast::<ServiceEntry>();
            table.copy_from_nonoverlapping(services.as_ptr(), services.len());
            (*header).name();
            Self::from_raw(base, bytes)
        }
    }

    /// Takes mapped memory for a region, if it is one.
    ///
    /// # Errors
    /// Any [`RegionError`].
    ///
    /// # Safety
    /// For all of `'a`, `base` points to `bytes` bytes of mapped, readable memory. Whoever can
    /// write it changes the header's tables and the service entries no more, and the rest only as
    /// atomic words. (A region handed out by Linux's side is so: applications cannot write it.)
    pub unsafe fn from_raw(base: *const u8, bytes: usize) -> Result<Self, RegionError> {
        if !is_page(base) || bytes < PAGE_BYTES {
            return Err(RegionError::NotARegion);
        }
        // SAFETY: a page is there (checked), and the caller vouches for its life and use. Any bit
        // pattern is a valid header.
        let header = unsafe { &*base.cast::<Header>() };
        check_identity(header)?;
        let tables = header.tables();
        let expected = tables_for(
            tables.services as usize,
            tables.channels as usize,
            tables.tasks as usize,
        );
        let expected = expected.ok_or(RegionError::Tables)?;
        let public_bytes = tables.public_bytes;
        if tables
            != (Tables {
                public_bytes,
                ..expected
            })
            || !(tables.region_bytes..=u64::from(u32::MAX)).contains(&public_bytes)
            || !public_bytes.is_multiple_of(PAGE_BYTES as u64)
            || (bytes as u64) < tables.region_bytes
        {
            return Err(RegionError::Tables);
        }
        let telemetry = tables.telemetry_offset as usize;
        let tasks = telemetry + size_of::<CoreTelemetry>();
        let console = tables.region_bytes as usize;
        let logs = console + CONSOLE_BYTES;
        let end = bytes.min(public_bytes as usize);
        // SAFETY: the tables are exactly where `tables_for` puts them, within `bytes`, page
        // aligned (the task table: see the assertion above); any bit pattern is a valid value of
        // each entry; the caller vouches for life and use. Console and log rings lie behind the
        // tables, where `end` leaves room for them, page aligned, and are atomic words.
        unsafe {
            Ok(Self {
                header,
                services: table(base, tables.services_offset as usize, tables.services),
                channels: table(base, tables.channels_offset as usize, tables.channels),
                core: &*base.add(telemetry).cast::<CoreTelemetry>(),
                tasks: table(base, tasks, tables.tasks),
                console: (logs <= end).then(|| &*base.add(console).cast::<Console>()),
                logs: (logs + LOG_BYTES <= end).then(|| &*base.add(logs).cast::<LogRings>()),
            })
        }
    }

    /// The header page.
    pub fn header(&self) -> &'a Header {
        self.header
    }

    /// What may be bound.
    pub fn services(&self) -> &'a [ServiceEntry] {
        self.services
    }

    /// The service of that name, with its index.
    pub fn service(&self, name: &str) -> Option<(usize, &'a ServiceEntry)> {
        self.services
            .iter()
            .enumerate()
            .find(|(_, entry)| entry.name() == name)
    }

    /// State words of all channels.
    pub fn channels(&self) -> &'a [ChannelState] {
        self.channels
    }

    /// The core's own telemetry.
    pub fn core(&self) -> &'a CoreTelemetry {
        self.core
    }

    /// Telemetry of the tasks, in the image's order.
    pub fn tasks(&self) -> &'a [TaskTelemetry] {
        self.tasks
    }

    /// What the core printed; `None` if the region was made without.
    pub fn console(&self) -> Option<&'a Console> {
        self.console
    }

    /// What the core's tasks logged; `None` if the region was made without.
    pub fn logs(&self) -> Option<&'a LogRings> {
        self.logs
    }
}

fn is_page(base: *const u8) -> bool {
    !base.is_null() && base.addr().is_multiple_of(PAGE_BYTES)
}

fn check_identity(header: &Header) -> Result<(), RegionError> {
    if header.magic() != MAGIC {
        return Err(RegionError::NotARegion);
    }
    if header.abi_version() != ABI_VERSION {
        return Err(RegionError::Version {
            found: header.abi_version(),
        });
    }
    if header.layout_hash() != LAYOUT_HASH {
        return Err(RegionError::Layout {
            found: header.layout_hash(),
        });
    }
    Ok(())
}

/// # Safety
/// `entries` values of `T` lie at `offset` from `base`, aligned and readable for all of `'a`.
unsafe fn table<'a, T>(base: *const u8, offset: usize, entries: u32) -> &'a [T] {
    // SAFETY: the caller's contract, word for word.
    unsafe { core::slice::from_raw_parts(base.add(offset).cast::<T>(), entries as usize) }
}
