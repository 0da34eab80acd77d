//! A region made by hand, for a core that lies: good, until somebody spoils it.
#![allow(unsafe_code)]

use std::mem::offset_of;

use offsched_abi::PAGE_BYTES;
use offsched_abi::channel::{ControlPage, channel_bytes};
use offsched_abi::header::{EPOCH_OFFSET, STATE_OFFSET, State};
use offsched_abi::image::SHARED_ADDRESS;
use offsched_abi::region::{Region, ServiceEntry, name_bytes};
use offsched_abi::telemetry::CoreTelemetry;

use crate::rig::{Offloaded, Rig};
use crate::script::{Script, Step};

/// Where the header has its tables: `repr(C)`, behind two words of 8 bytes and two of 4.
const TABLES: usize = 24;
/// A table's field in the header.
pub const REGION_BYTES: usize = TABLES;
pub const PUBLIC_BYTES: usize = TABLES + 8;
pub const SERVICES_OFFSET: usize = TABLES + 16;
pub const SERVICES: usize = TABLES + 20;
pub const CHANNELS_OFFSET: usize = TABLES + 24;
pub const CHANNELS: usize = TABLES + 28;
pub const TELEMETRY_OFFSET: usize = TABLES + 32;

/// Bytes of each ring.
pub const RING: usize = 4096;
/// Longest message that such a ring takes.
pub const LONGEST: u32 = 2032;
/// Channels of the first service, and of the second.
pub const CLIENTS: [u32; 2] = [2, 1];

/// The first channel's state word: its first client has it.
pub const OPEN: u32 = 1 << 16 | 1;
/// An index word of the first client's epoch.
pub const EPOCH: u64 = 1 << 48;
/// More data words than a ring of [`RING`] bytes has.
pub const BEYOND: u64 = RING as u64 / 8 + 1;

/// Where a channel has its words. A ring's head is 128 bytes behind its tail.
pub const APP_WANTS: u64 = offset_of!(ControlPage, app) as u64;
pub const TO_CORE_HEAD: u64 = offset_of!(ControlPage, to_core) as u64 + 128;
pub const FROM_CORE_TAIL: u64 = offset_of!(ControlPage, from_core) as u64;
pub const FROM_CORE_HEAD: u64 = FROM_CORE_TAIL + 128;
/// Where the data from the core begin.
pub const FROM_CORE_DATA: u64 = (size_of::<ControlPage>() + RING) as u64;

/// A region of two services, `one` and `two`, in memory of its own.
pub struct Forged {
    bytes: Vec<u8>,
    public: usize,
}

impl Forged {
    pub fn new() -> Self {
        let entry = |name, clients, first_channel| ServiceEntry {
            name: name_bytes(name).unwrap_or_default(),
            clients,
            ring_bytes: RING as u32,
            rx_size: LONGEST,
            tx_size: LONGEST,
            first_channel,
            ..ServiceEntry::default()
        };
        let services = [
            entry("one", CLIENTS[0], 0),
            entry("two", CLIENTS[1], CLIENTS[0]),
        ];
        let channels: u32 = CLIENTS.iter().sum();
        let public = 16 * PAGE_BYTES;
        let mut pages = vec![Page([0; PAGE_BYTES]); public / PAGE_BYTES];
        // SAFETY: page-aligned memory of that size, which nobody else uses.
        let region = unsafe {
            Region::format(
                pages.as_mut_ptr().cast(),
                public,
                &services,
                channels as usize,
                0,
            )
        };
        assert!(region.is_ok(), "the region for a forgery");
        Self {
            bytes: pages.iter().flat_map(|page| page.0).collect(),
            public,
        }
    }

    /// Changes 4 bytes, anywhere in the region.
    pub fn set(&mut self, at: usize, value: u32) -> &mut Self {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        self
    }

    pub fn get(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.bytes[at..at + 4]);
        u32::from_le_bytes(bytes)
    }

    /// Where a service's entry is.
    pub fn service(&self, index: usize) -> usize {
        self.get(SERVICES_OFFSET) as usize + index * size_of::<ServiceEntry>()
    }

    /// Changes a service's name.
    pub fn name(&mut self, index: usize, name: &[u8]) -> &mut Self {
        let at = self.service(index);
        self.bytes[at..at + name.len()].copy_from_slice(name);
        self
    }

    /// The core's address of a place in shared memory.
    pub fn address(at: usize) -> u64 {
        (SHARED_ADDRESS + at) as u64
    }

    /// A channel's state word.
    pub fn word(&self, channel: usize) -> u64 {
        Self::address(self.get(CHANNELS_OFFSET) as usize + 4 * channel)
    }

    /// A channel's first byte.
    pub fn channel(&self, channel: usize) -> u64 {
        Self::address(self.public + channel * channel_bytes(RING))
    }

    pub fn heartbeat(&self) -> u64 {
        let telemetry = self.get(TELEMETRY_OFFSET) as usize;
        Self::address(telemetry + offset_of!(CoreTelemetry, heartbeat))
    }

    pub fn public_bytes(&self) -> u64 {
        self.public as u64
    }

    /// Header, tables and channels.
    pub fn shared_bytes(&self) -> u64 {
        let channels: u32 = CLIENTS.iter().sum();
        (self.public + channels as usize * channel_bytes(RING)) as u64
    }

    /// Starts such a core.
    pub fn start<'a>(&self, rig: &'a Rig, steps: &[Step]) -> Result<Offloaded<'a>, String> {
        let script = self.script(steps);
        rig.start_image(&script.image(self.shared_bytes(), self.public_bytes()), &[])
    }

    /// A core that makes this region, says that it runs, and goes on with `steps`, of which the first
    /// is step [`FIRST`].
    pub fn script(&self, steps: &[Step]) -> Script {
        let mut all = vec![
            Step::Copy(SHARED_ADDRESS as u64, self.bytes.len()),
            Step::Store32(Self::address(STATE_OFFSET), State::Running as u32),
            Step::Epoch(Self::address(EPOCH_OFFSET)),
        ];
        all.extend(steps);
        Script::new(&all, self.bytes.clone())
    }
}

/// The number of the first step after the region is made.
pub const FIRST: u64 = 3;

#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Page([u8; PAGE_BYTES]);
