//! Regions made and read, and memory that is none; the header's parts.
#![cfg(not(loom))]

use offsched_abi::header::{CRASH_BYTES, Header, LAYOUT_HASH, State, TimeScale, fnv1a};
use offsched_abi::region::{Region, RegionError, ServiceEntry, TASKS_MAX, name_bytes, tables_for};
use offsched_abi::{ABI_VERSION, PAGE_BYTES};

/// Zeroed, page-aligned memory.
struct Pages(Vec<Page>);

#[derive(Clone)]
#[repr(C, align(4096))]
struct Page([u8; PAGE_BYTES]);

impl Pages {
    fn new(bytes: u64) -> Self {
        Self(vec![
            Page([0; PAGE_BYTES]);
            (bytes as usize).div_ceil(PAGE_BYTES)
        ])
    }

    fn base(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    fn bytes(&self) -> usize {
        self.0.len() * PAGE_BYTES
    }

    fn format(&mut self, services: &[ServiceEntry], channels: usize, tasks: usize) -> Region<'_> {
        let (base, bytes) = (self.base(), self.bytes());
        // SAFETY: the pages are zero, ours alone, and borrowed for as long as the region.
        unsafe { Region::format(base, bytes, services, channels, tasks) }.unwrap()
    }

    fn read(&mut self, bytes: usize) -> Result<Region<'_>, RegionError> {
        // SAFETY: the pages are borrowed for as long as the region, and nobody writes to them.
        unsafe { Region::from_raw(self.base(), bytes) }
    }
}

fn service(name: &str) -> ServiceEntry {
    ServiceEntry {
        name: name_bytes(name).unwrap(),
        clients: 2,
        ..ServiceEntry::default()
    }
}

#[test]
fn a_region_reads_as_it_was_made() {
    let tables = tables_for(2, 5, 7).unwrap();
    let mut pages = Pages::new(tables.region_bytes);
    let services = [service("timer"), service("echo")];
    let made = pages.format(&services, 5, 7);
    assert_eq!(made.header().abi_version(), ABI_VERSION);
    let bytes = pages.bytes();
    let read = pages.read(bytes).unwrap();
    assert_eq!(read.services(), services);
    assert_eq!((read.channels().len(), read.tasks().len()), (5, 7));
    assert_eq!(read.service("echo").unwrap().0, 1);
    assert!(read.service("ech").is_none());
    assert_eq!(read.header().state.get(), State::Offline);
    assert_eq!(tables_for(1, 1, TASKS_MAX + 1), None);
}

#[test]
fn memory_that_is_no_region_is_refused() {
    let tables = tables_for(1, 1, 1).unwrap();
    let bytes = tables.region_bytes as usize;
    let damaged = |at: usize, value: u32| {
        let mut pages = Pages::new(tables.region_bytes);
        pages.format(&[service("timer")], 1, 1);
        pages.0[0].0[at..at + 4].copy_from_slice(&value.to_le_bytes());
        pages.read(bytes).err()
    };
    assert_eq!(damaged(0, 1), Some(RegionError::NotARegion));
    assert!(matches!(damaged(8, 1), Some(RegionError::Layout { .. })));
    assert_eq!(damaged(16, 2), Some(RegionError::Version { found: 2 }));
    for word in 0..10 {
        assert_eq!(
            damaged(24 + 4 * word, u32::MAX),
            Some(RegionError::Tables),
            "word {word}"
        );
    }
    let mut pages = Pages::new(tables.region_bytes);
    pages.format(&[service("timer")], 1, 1);
    assert_eq!(pages.read(bytes - 1).err(), Some(RegionError::Tables));
    assert_eq!(pages.read(100).err(), Some(RegionError::NotARegion));
}

#[test]
fn what_is_public_beside_the_region_is_whole_pages() {
    let bytes = tables_for(1, 1, 1).unwrap().region_bytes;
    let page = PAGE_BYTES as u64;
    let mut pages = Pages::new(bytes + 2 * page);
    let region = pages.format(&[service("timer")], 1, 1);
    let tables = region.header().tables();
    assert_eq!(tables.region_bytes, bytes);
    assert_eq!(tables.public_bytes, bytes + 2 * page);
    for wrong in [bytes - page, bytes + 1, 0] {
        pages.0[0].0[32..40].copy_from_slice(&wrong.to_le_bytes());
        let read = pages.read(bytes as usize).err();
        assert_eq!(read, Some(RegionError::Tables), "{wrong}");
    }
}

#[test]
fn the_state_machine_has_only_its_arrows() {
    let mut pages = Pages::new(tables_for(0, 0, 0).unwrap().region_bytes);
    let region = pages.format(&[], 0, 0);
    let state = &region.header().state;
    assert!(state.run().is_err() && state.stop().is_err() && state.crash().is_err());
    assert_eq!(state.begin(), Ok(1));
    assert!(state.begin().is_err());
    state.run().unwrap();
    state.stop().unwrap();
    let error = state.run().unwrap_err();
    assert_eq!(
        error.to_string(),
        "a core that is stopping cannot become running"
    );
    state.crash().unwrap();
    state.retire().unwrap();
    assert_eq!(state.begin(), Ok(2));
    assert_eq!((state.get(), state.epoch()), (State::Starting, 2));
}

#[test]
fn a_crash_message_is_cut_not_lost() {
    let mut pages = Pages::new(tables_for(0, 0, 0).unwrap().region_bytes);
    let region = pages.format(&[], 0, 0);
    let crash = &region.header().crash;
    assert_eq!(crash.read().as_str(), "");
    // Two-byte characters after one byte: the cut falls into the middle of one.
    crash.write(format_args!("x{}", "\u{e9}".repeat(CRASH_BYTES)));
    let text = crash.read();
    assert_eq!(text.as_str().len(), CRASH_BYTES - 1);
    assert!(text.as_str().ends_with('\u{e9}'));
    crash.clear();
    assert_eq!(crash.read().as_str(), "");
}

#[test]
fn time_scales_both_ways_without_overflow() {
    assert_eq!(TimeScale::new(0, 0, 0), None);
    let scale = TimeScale::new(1_000_000_000, 500, 700).unwrap();
    assert_eq!(
        (scale.monotonic_ns(600), scale.monotonic_ns(400)),
        (800, 600)
    );
    assert_eq!((scale.us_to_cycles(3), scale.cycles_to_ns(9)), (3000, 9));
    assert_eq!(scale.monotonic_ns(0), 200);
    let slow = TimeScale::new(1000, 0, 0).unwrap();
    assert_eq!(slow.cycles_to_ns(u64::MAX), u64::MAX);
    // A day of a 3 GHz TSC is a day, to 50 us.
    let day = TimeScale::new(3_000_000_000, 0, 0)
        .unwrap()
        .cycles_to_ns(3_000_000_000 * 86_400);
    assert!(86_400_000_000_000 - day < 50_000, "{day}");
}

#[test]
fn the_layout_hash_depends_on_every_value() {
    assert_ne!(fnv1a(&[1, 2]), fnv1a(&[2, 1]));
    assert_ne!(fnv1a(&[1, 2]), fnv1a(&[1, 2, 0]));
    assert_ne!(LAYOUT_HASH, 0);
    assert_eq!(size_of::<Header>(), PAGE_BYTES);
}
