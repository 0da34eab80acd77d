//! Images whose tables lie: the module says so at the start, and Linux has its CPU back.

use std::mem::offset_of;

use offsched_abi::PAGE_BYTES;
use offsched_abi::header::LAYOUT_HASH;
use offsched_abi::region::{CHANNELS_MAX, SERVICES_MAX, ServiceEntry};
use offsched_device::DeviceState;
use rustix::io::Errno;

use crate::Outcome;
use crate::case::Case;
use crate::forged::{
    CHANNELS, CHANNELS_OFFSET, CLIENTS, Forged, LONGEST, PUBLIC_BYTES, REGION_BYTES, SERVICES,
    SERVICES_OFFSET, TELEMETRY_OFFSET,
};
use crate::rig::Rig;

const PAGE: u32 = PAGE_BYTES as u32;
/// Offset of the magic word, of the layout's hash, of the version.
const MAGIC: usize = 0;
const LAYOUT: usize = 8;
const VERSION: usize = 16;

/// Spoils a good region.
type Spoil = fn(&mut Forged);

const NOEXEC: [(&str, Spoil); 29] = [
    ("no magic", |r| r.set(MAGIC, 0).done()),
    ("a region of nothing", |r| r.set(REGION_BYTES, 0).done()),
    ("a region beyond the public", |r| {
        r.set(REGION_BYTES, r.public_bytes() as u32 + PAGE).done()
    }),
    ("a region without end", |r| {
        r.set(REGION_BYTES + 4, !0).done()
    }),
    ("another public size", |r| {
        r.set(PUBLIC_BYTES, r.public_bytes() as u32 - PAGE).done()
    }),
    ("more public than shared", |r| {
        r.set(PUBLIC_BYTES, 1 << 28).done()
    }),
    ("services in the header", |r| {
        r.set(SERVICES_OFFSET, 0).done()
    }),
    ("services at half a page", |r| {
        r.set(SERVICES_OFFSET, r.get(SERVICES_OFFSET) + 8).done()
    }),
    ("services beyond the region", |r| {
        r.set(SERVICES_OFFSET, 15 * PAGE).done()
    }),
    ("services at the end of 32 bits", |r| {
        r.set(SERVICES_OFFSET, !0xfff).done()
    }),
    ("too many services", |r| {
        r.set(SERVICES, SERVICES_MAX as u32 + 1).done()
    }),
    ("services that are not there", |r| r.set(SERVICES, 3).done()),
    ("states in the header", |r| r.set(CHANNELS_OFFSET, 0).done()),
    ("states beyond the region", |r| {
        r.set(CHANNELS_OFFSET, 1 << 24).done()
    }),
    ("too many channels", |r| {
        r.set(CHANNELS, CHANNELS_MAX as u32 + 1).done()
    }),
    ("channels of no service", |r| r.set(CHANNELS, 4).done()),
    ("a channel short", |r| r.set(CHANNELS, 2).done()),
    ("telemetry beyond the region", |r| {
        r.set(TELEMETRY_OFFSET, 1 << 24).done()
    }),
    ("channels that overlap", |r| {
        r.entry(1, offset_of!(ServiceEntry, first_channel), 1)
    }),
    ("a channel between services", |r| {
        r.entry(0, offset_of!(ServiceEntry, clients), 1)
    }),
    ("a service without clients", |r| {
        r.entry(1, offset_of!(ServiceEntry, clients), 0)
    }),
    ("clients that overflow", |r| {
        r.entry(1, offset_of!(ServiceEntry, clients), !0 - CLIENTS[0] + 2)
    }),
    ("rings of 4 GiB", |r| {
        r.entry(1, offset_of!(ServiceEntry, ring_bytes), !0)
    }),
    ("rings larger than what is shared", |r| {
        r.entry(1, offset_of!(ServiceEntry, ring_bytes), 2 * PAGE)
    }),
    ("messages that no ring takes", |r| {
        r.entry(0, offset_of!(ServiceEntry, rx_size), LONGEST + 1)
    }),
    ("answers that no ring takes", |r| {
        r.entry(1, offset_of!(ServiceEntry, tx_size), !0)
    }),
    ("a service without a name", |r| r.name(1, &[0; 32]).done()),
    ("bytes behind a name", |r| r.name(0, b"one\0one").done()),
    ("two services of one name", |r| r.name(1, b"one").done()),
];

pub fn cases() -> Vec<Case> {
    let noexec = NOEXEC.map(|(name, spoil)| (name, spoil, Errno::NOEXEC));
    let others: [(_, Spoil); 2] = [
        ("another version", |r| r.set(VERSION, 0).done()),
        ("another layout", |r| r.set(LAYOUT, !r.get(LAYOUT)).done()),
    ];
    let others = others.map(|(name, spoil)| (name, spoil, Errno::PROTO));
    let spoiled = noexec.into_iter().chain(others);
    let spoiled = spoiled.map(|(name, spoil, errno)| {
        Case::new(format!("tables: {name}"), move |rig| {
            refuse(rig, spoil, errno)
        })
    });
    let mut all = vec![Case::new("good tables", good)];
    all.extend(spoiled);
    all
}

impl Forged {
    fn entry(&mut self, service: usize, field: usize, value: u32) {
        self.set(self.service(service) + field, value);
    }

    /// Ends a line of calls.
    fn done(&self) {}
}

/// The CPU is Linux's again, and so it says.
fn refuse(rig: &Rig, spoil: Spoil, errno: Errno) -> Outcome {
    let mut region = Forged::new();
    spoil(&mut region);
    let script = region.script(&[]);
    let device = rig.device()?;
    let image = script.image(region.shared_bytes(), region.public_bytes());
    device
        .load(rig.cpu, &image)
        .map_err(|error| format!("load: {error}"))?;
    let started = device.start();
    if started.is_ok() {
        device
            .give_back()
            .map_err(|error| format!("return: {error}"))?;
        return Err("started".to_owned());
    }
    let found = started.map_err(|error| error.raw_os_error());
    if found != Err(Some(errno.raw_os_error())) {
        return Err(format!("{found:?}, not {errno}"));
    }
    let stage = device.status().map_err(|error| error.to_string())?.state;
    if stage != Some(DeviceState::Returned) {
        return Err(format!("the module says {stage:?}"));
    }
    rig.check_returned()
}

/// Unspoiled, the same starts: what refuses the others is what was spoiled. A ring of no bytes is one of a page.
fn good(rig: &Rig) -> Outcome {
    let mut least = Forged::new();
    least.entry(1, offset_of!(ServiceEntry, ring_bytes), 0);
    least.entry(0, offset_of!(ServiceEntry, ring_bytes), 1);
    for region in [Forged::new(), least] {
        let script = region.script(&[]);
        let image = script.image(region.shared_bytes(), region.public_bytes());
        let core = rig.start_image(&image, &[])?;
        let header = core.shared.region().map_err(|error| error.to_string())?;
        if header.header().layout_hash() != LAYOUT_HASH {
            return Err("another layout".to_owned());
        }
        core.give_back()?;
    }
    Ok(())
}
