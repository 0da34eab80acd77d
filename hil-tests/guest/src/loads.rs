//! Loads that the module must refuse, as no tool could write them: the structures word by word.

use offsched_abi::PAGE_BYTES;
use offsched_abi::image::{IMAGE_BASE, IMAGE_END, SHARED_MAX};
use offsched_abi::load::{ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE, Load, Segment, Stage};
use offsched_abi::node::call::ANY_CPU;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::Outcome;
use crate::case::Case;
use crate::node::{call, want};
use crate::raw;
use crate::rig::Rig;
use crate::wild::Arena;

const PAGE: u64 = PAGE_BYTES as u64;
/// HLT, again and again: more than a page of it.
const CODE: [u8; 2 * PAGE_BYTES] = [0xf4; 2 * PAGE_BYTES];
/// Bytes of each segment that come from there.
const DATA: u64 = 16;
/// Bits of an access that mean nothing.
const HIGH: [u32; 3] = [1 << 3, 1 << 16, 1 << 31];
/// Where no program has anything: the first page, neither half, the kernel's.
const NOWHERE: [u64; 3] = [8, 1 << 63, 0xffff_8880_0000_1000];

/// Spoils a load that is good, and its segments: one of code, behind it one of data.
type Spoil = fn(&mut Load, &mut [Segment; 2]);

const INVALID: [(&str, Spoil); 18] = [
    ("no CPU in particular", |load, _| load.cpu = ANY_CPU),
    ("a word that is reserved", |_, [_, data]| data.reserved = 1),
    ("a segment of nothing", |_, [_, data]| {
        (data.bytes, data.data_bytes) = (0, 0)
    }),
    ("a segment of half a page", |_, [_, data]| data.bytes = 2048),
    ("more data than the segment takes", |_, [_, data]| {
        data.data_bytes = PAGE + 1
    }),
    ("a segment beyond the window", |_, [_, data]| {
        data.address = IMAGE_END
    }),
    ("a segment across the window's end", |_, [_, data]| {
        (data.address, data.bytes) = (IMAGE_END - PAGE, 2 * PAGE)
    }),
    ("an entry in constants", |load, [_, data]| {
        load.entry = data.address;
        data.access = ACCESS_READ;
    }),
    ("an entry in data", |load, [_, data]| {
        load.entry = data.address
    }),
    ("an entry behind the code's bytes", |load, [code, _]| {
        load.entry = code.address + code.data_bytes
    }),
    ("an entry below the code", |load, [code, _]| {
        load.entry = code.address - 1
    }),
    ("shared memory of half a page", |load, _| {
        load.shared_bytes += 2048
    }),
    ("more shared memory than there may be", |load, _| {
        load.shared_bytes = SHARED_MAX + PAGE
    }),
    ("shared memory without end", |load, _| {
        load.shared_bytes = !(PAGE - 1)
    }),
    ("nothing public", |load, _| load.public_bytes = 0),
    ("half a page public", |load, _| load.public_bytes = 2048),
    ("a page and a half public", |load, _| {
        load.public_bytes = PAGE + 2048
    }),
    ("more public than shared", |load, _| {
        load.public_bytes = load.shared_bytes + PAGE
    }),
];

pub fn cases() -> Vec<Case> {
    let invalid = INVALID.map(|(name, spoil)| {
        Case::new(format!("refuse {name}"), move |rig| {
            refused(rig, name, Errno::INVAL, spoil)
        })
    });
    let mut all = Vec::from(invalid);
    all.push(Case::new("refuse every other access", accesses));
    all.push(Case::new("refuse segments that cannot be read", unreadable));
    all
}

/// Loads what `spoil` makes of a good load; what was loaded before stays.
fn refused(
    rig: &Rig,
    what: &str,
    errno: Errno,
    spoil: impl Fn(&mut Load, &mut [Segment; 2]),
) -> Outcome {
    let handle = call("open", raw::open(OFlags::RDONLY))?;
    let segment = |address, access| Segment {
        address,
        bytes: PAGE,
        data: CODE.as_ptr().addr() as u64,
        data_bytes: DATA,
        access,
        reserved: 0,
    };
    let mut segments = [
        segment(IMAGE_BASE, ACCESS_READ | ACCESS_EXEC),
        segment(IMAGE_BASE + PAGE, ACCESS_READ | ACCESS_WRITE),
    ];
    let mut load = Load {
        entry: IMAGE_BASE,
        segments: segments.as_ptr().addr() as u64,
        count: segments.len() as u32,
        cpu: rig.cpu,
        shared_bytes: 4 * PAGE,
        public_bytes: 2 * PAGE,
    };
    call("a good load", raw::load(&handle, &load))?;
    spoil(&mut load, &mut segments);
    want(what, raw::load(&handle, &load), errno)?;
    let status = call("status", raw::status(&handle))?;
    if (status.state, status.shared_bytes) == (Stage::Loaded as u32, 4 * PAGE) {
        Ok(())
    } else {
        Err(format!("{what}: left {status:?}"))
    }
}

/// All but the three that there are, on a segment that has nothing to do with the entry.
fn accesses(rig: &Rig) -> Outcome {
    let known = [0, ACCESS_WRITE, ACCESS_EXEC].map(|more| ACCESS_READ | more);
    let low = (0..8).filter(|access| !known.contains(access));
    let high = HIGH.iter().flat_map(|bit| known.map(|good| good | bit));
    for access in low.chain(high) {
        let what = format!("access {access:#x}");
        refused(rig, &what, Errno::INVAL, |_, [_, data]| {
            data.access = access
        })?;
    }
    Ok(())
}

/// Addresses of the caller's that are not: of the array, of a segment's data, of its last page.
fn unreadable(rig: &Rig) -> Outcome {
    for place in NOWHERE {
        let what = format!("segments at {place:#x}");
        refused(rig, &what, Errno::FAULT, |load, _| load.segments = place)?;
        let what = format!("data at {place:#x}");
        refused(rig, &what, Errno::FAULT, |_, [_, data]| data.data = place)?;
    }
    let arena = Arena::new();
    let last = (arena.address() + Arena::BYTES - PAGE_BYTES) as u64;
    refused(rig, "data that end", Errno::FAULT, |_, [_, data]| {
        data.data = last;
        (data.bytes, data.data_bytes) = (2 * PAGE, PAGE + 1);
    })
}
