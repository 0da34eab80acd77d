//! Whatever a broken image leaves behind, decoding it ends and does not panic.

use std::sync::OnceLock;

use offsched_abi::header::{
    CrashKind, Header, Registers, Scene, State, TRACE_MAX, Trace, TraceEnd,
};
use offsched_abi::region::tables_for;
use offsched_decode::{Symbols, crash};
use proptest::prelude::*;

/// This very program is as good an ELF file with DWARF as any.
fn elf() -> &'static [u8] {
    static ELF: OnceLock<Vec<u8>> = OnceLock::new();
    ELF.get_or_init(|| std::fs::read(std::env::current_exe().unwrap()).unwrap())
}

fn symbols() -> Symbols<'static> {
    Symbols::parse(elf()).unwrap()
}

fn header() -> Header {
    Header::new(tables_for(0, 0, 0).unwrap())
}

fn crashed(header: &Header) {
    header.state.begin().unwrap();
    header.state.crash().unwrap();
}

prop_compose! {
    fn scenes()(
        kind in prop_oneof![Just(CrashKind::Panic), Just(CrashKind::Fault), Just(CrashKind::Refused)],
        end in prop_oneof![Just(TraceEnd::Entry), Just(TraceEnd::Room), Just(TraceEnd::Broken)],
        tsc: u64,
        word: u64,
        addresses in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..0x100_0000], 0..=TRACE_MAX),
    ) -> Scene {
        let mut trace = Trace::new();
        for address in addresses {
            trace.push(address);
        }
        trace.end = end;
        let registers = Registers { rip: word, rsp: !word, vector: word, ..Registers::default() };
        Scene { kind, tsc, registers, trace }
    }
}

proptest! {
    #[test]
    fn any_scene_is_told(scene in scenes(), message in ".{0,300}") {
        let header = header();
        header.scene.write(&scene);
        header.crash.write(format_args!("{message}"));
        crashed(&header);
        let text = crash(&header, Some(&symbols())).unwrap();
        prop_assert!(text.lines().count() >= scene.trace.addresses().len());
        prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn a_damaged_file_is_an_error_or_says_less(place: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..64), cut: prop::sample::Index) {
        let mut file = elf()[..4096.max(cut.index(elf().len()))].to_vec();
        let at = place.index(file.len());
        for (to, from) in file[at..].iter_mut().zip(bytes) {
            *to = from;
        }
        if let Ok(symbols) = Symbols::parse(&file) {
            let _ = symbols.places(crate::marker as *const () as u64);
        }
    }
}

/// Something to look for.
#[inline(never)]
fn marker() {
    std::hint::black_box(1);
}

#[test]
fn a_core_that_runs_has_no_crash() {
    let header = header();
    header.state.begin().unwrap();
    header.state.run().unwrap();
    assert_eq!(crash(&header, None).unwrap_err().state, State::Running);
}

#[test]
fn a_crash_without_a_record_says_so() {
    let header = header();
    crashed(&header);
    let text = crash(&header, None).unwrap();
    assert!(
        text.contains("no message") && text.contains("no registers"),
        "{text}"
    );
}

#[test]
fn an_address_becomes_function_file_and_line() {
    let base = load_address();
    let places = symbols().places(marker as *const () as u64 - base);
    let place = places.last().unwrap();
    assert!(
        place
            .function
            .as_ref()
            .unwrap()
            .ends_with("hostile::marker")
    );
    assert!(place.file.as_ref().unwrap().ends_with("tests/hostile.rs"));
    let mut lines = include_str!("hostile.rs").lines();
    let first = lines.position(|line| line == "fn marker() {").unwrap() as u32 + 1;
    assert!(
        (first..=first + 1).contains(&place.line.unwrap()),
        "{place}"
    );
}

/// Where a position-independent program is: its own first mapping.
fn load_address() -> u64 {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let own = std::env::current_exe().unwrap().display().to_string();
    let line = maps.lines().find(|line| line.ends_with(&own)).unwrap();
    u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap()
}
