//! The header page of a region: what it is, how its core fares, and on which clock.

mod bells;
mod build;
mod crash;
mod scene;
mod state;
mod time;

pub use bells::{BELL_OFFSET, Bells, RUNG_OFFSET, RUNG_WORDS};
pub use build::{BUILD_ID_BYTES, Build, BuildId};
pub use crash::{CRASH_BYTES, CrashMessage, CrashText};
pub use scene::{
    CrashKind, CrashScene, REGISTER_NAMES, REGISTERS, Registers, Scene, TRACE_MAX, Trace, TraceEnd,
};
pub use state::{CoreState, EPOCH_OFFSET, STATE_OFFSET, State, StateError};
pub use time::{TimeBase, TimeScale};

use core::mem::offset_of;

use crate::channel::{ChannelState, ControlPage};
use crate::message::MessageType;
use crate::node::{Bind, Request};
use crate::region::ServiceEntry;
use crate::ring::{ConsumerLine, RingWords};
use crate::sync::{AtomicU32, AtomicU64, Ordering::Release, load_acquire_u32, load_acquire_u64};
use crate::telemetry::{CoreTelemetry, TaskTelemetry};
use crate::{ABI_VERSION, PAGE_BYTES};

/// The first word of every region: "offsched" in ASCII, little endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"offsched");

/// A hash of the sizes and offsets of everything shared, and of how frames lie in rings: two programs that were built from
/// different layouts of the same version do not take each other's memory for their own.
pub const LAYOUT_HASH: u64 = fnv1a(&[
    size_of::<Header>(),
    offset_of!(Header, tables),
    offset_of!(Header, state),
    offset_of!(Header, bells),
    offset_of!(Header, time),
    offset_of!(Header, crash),
    offset_of!(Header, scene),
    offset_of!(Header, build),
    size_of::<CoreState>(),
    size_of::<Bells>(),
    size_of::<TimeBase>(),
    size_of::<CrashMessage>(),
    size_of::<CrashScene>(),
    size_of::<Build>(),
    size_of::<Tables>(),
    size_of::<ServiceEntry>(),
    offset_of!(ServiceEntry, first_channel),
    offset_of!(ServiceEntry, rx_type),
    offset_of!(ServiceEntry, tx_type),
    size_of::<MessageType>(),
    offset_of!(MessageType, name),
    size_of::<Request>(),
    offset_of!(Request, rx_type),
    size_of::<Bind>(),
    offset_of!(Bind, rx_type),
    size_of::<ChannelState>(),
    size_of::<ControlPage>(),
    offset_of!(ControlPage, to_core),
    offset_of!(ControlPage, from_core),
    size_of::<RingWords>(),
    size_of::<ConsumerLine>(),
    crate::ring::NEWEST_WORDS,
    crate::ring::FORMAT,
    size_of::<crate::log::LogRings>(),
    size_of::<CoreTelemetry>(),
    size_of::<TaskTelemetry>(),
    crate::telemetry::JOB_WORDS,
    crate::telemetry::AUTOPSY_WORDS,
]);

/// FNV-1a, 64 bits, over the little-endian bytes of `values`.
pub const fn fnv1a(values: &[usize]) -> u64 {
    let mut hash = FNV_START;
    let mut at = 0;
    while at < values.len() {
        let bytes = (values[at] as u64).to_le_bytes();
        let mut byte = 0;
        while byte < bytes.len() {
            hash = fnv1a_byte(hash, bytes[byte]);
            byte += 1;
        }
        at += 1;
    }
    hash
}

/// FNV-1a's hash of nothing.
pub(crate) const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a's hash with one more byte.
pub(crate) const fn fnv1a_byte(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Where the region's tables are. Offsets in bytes from the region's start.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Bytes of the region: header and tables.
    pub region_bytes: u64,
    /// Bytes that applications may see, read-only: the region, and what else the core publishes.
    pub public_bytes: u64,
    /// Offset of the [`ServiceEntry`] table.
    pub services_offset: u32,
    /// Entries in it.
    pub services: u32,
    /// Offset of the [`ChannelState`] table.
    pub channels_offset: u32,
    /// Entries in it: the channels of all services, in the services' order.
    pub channels: u32,
    /// Offset of the [`CoreTelemetry`], with the [`TaskTelemetry`] table right after it.
    pub telemetry_offset: u32,
    /// Entries in the task table.
    pub tasks: u32,
}

/// The header page.
///
/// Written by the core and the program that runs it; applications have it read-only, so every
/// load here is one that may be made on read-only memory.
#[repr(C, align(4096))]
#[derive(Debug)]
pub struct Header {
    magic: AtomicU64,
    layout_hash: AtomicU64,
    abi_version: AtomicU32,
    _reserved: u32,
    tables: Tables,
    /// State and epoch of the core.
    pub state: CoreState,
    /// Doorbells that have been rung, both ways.
    pub bells: Bells,
    /// The core's clock and Linux's.
    pub time: TimeBase,
    /// Why the core crashed, if it did.
    pub crash: CrashMessage,
    /// Where it crashed.
    pub scene: CrashScene,
    /// Which file the image, or the hosted core's program, was built into.
    pub build: Build,
}

const _: () = assert!(size_of::<Header>() == PAGE_BYTES && offset_of!(Header, tables) == 24);

impl Header {
    /// A header of a region with `tables`, of a core that is offline.
    pub fn new(tables: Tables) -> Self {
        Self {
            magic: AtomicU64::new(MAGIC),
            layout_hash: AtomicU64::new(LAYOUT_HASH),
            abi_version: AtomicU32::new(ABI_VERSION),
            _reserved: 0,
            tables,
            state: CoreState::new(),
            bells: Bells::default(),
            time: TimeBase::new(),
            crash: CrashMessage::new(),
            scene: CrashScene::new(),
            build: Build::new(),
        }
    }

    /// The same without the magic word: nobody takes it for a region yet.
    pub(crate) fn unnamed(tables: Tables) -> Self {
        Self {
            magic: AtomicU64::new(0),
            ..Self::new(tables)
        }
    }

    /// Makes it a region's, for whoever looks at it from now on: all else is written.
    pub(crate) fn name(&self) {
        self.magic.store(MAGIC, Release);
    }

    /// The region's magic word; [`MAGIC`] in a region, 0 in one that is being made.
    pub fn magic(&self) -> u64 {
        load_acquire_u64(&self.magic)
    }

    /// The version that the region was made for.
    pub fn abi_version(&self) -> u32 {
        load_acquire_u32(&self.abi_version)
    }

    /// The layout that the region was made for.
    pub fn layout_hash(&self) -> u64 {
        load_acquire_u64(&self.layout_hash)
    }

    /// Where the tables are, as written; [`Region`](crate::region::Region) has checked them.
    pub fn tables(&self) -> Tables {
        self.tables
    }
}
