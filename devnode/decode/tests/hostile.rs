//! Whatever a broken image leaves behind, decoding it ends and does not panic.

use std::sync::OnceLock;

use object::{Object, ObjectSymbol};
use offsched_abi::header::{
    BuildId, CrashKind, Header, Registers, Scene, State, TRACE_MAX, Trace, TraceEnd,
};
use offsched_abi::region::tables_for;
use offsched_decode::{Match, Symbols, compare_build, crash};
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

thread_local! {
    /// Read once for all scenes: it takes longer than telling one.
    static SYMBOLS: Symbols<'static> = symbols();
}

proptest! {
    #[test]
    fn any_scene_is_told(scene in scenes(), message in ".{0,300}") {
        let header = header();
        header.scene.write(&scene);
        header.crash.write(format_args!("{message}"));
        crashed(&header);
        let text = SYMBOLS.with(|symbols| crash(&header, Some(symbols))).unwrap();
        for address in scene.trace.addresses() {
            let shown = scene.kind == CrashKind::Panic || text.contains(&format!("{address:#018x}"));
            prop_assert!(shown, "{address:#x}");
        }
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
fn a_file_of_another_build_is_told() {
    let header = header();
    let compare = |file| compare_build(&header, file);
    assert_eq!(compare(elf()).unwrap(), Match::Unknown);
    let id = BuildId::new(&[1; 20]).unwrap();
    header.build.publish(&id);
    let found = compare(elf()).unwrap();
    assert!(
        matches!(found, Match::Other { core, .. } if core == id),
        "{found:?}"
    );
    assert!(compare(b"no ELF file").is_err());
}

/// The functions that carry out a panic come first in its chain, and tell nobody anything.
#[test]
fn the_frames_of_a_panic_itself_are_left_out_of_a_panic_only() {
    let told = |kind| {
        let mut trace = Trace::new();
        let panics = address_of("core::panicking::panic_fmt");
        let ours = marker as *const () as u64 - load_address();
        for address in [panics, panics, ours, panics] {
            trace.push(address + 1);
        }
        let header = header();
        let registers = Registers::default();
        header.scene.write(&Scene {
            kind,
            tsc: 1,
            registers,
            trace,
        });
        crashed(&header);
        crash(&header, Some(&symbols())).unwrap()
    };
    let panic = told(CrashKind::Panic);
    assert!(
        panic.contains("\n   0 to 1 are the panic itself\n   2  0x"),
        "{panic}"
    );
    assert_eq!(
        panic.matches("core::panicking::panic_fmt").count(),
        1,
        "{panic}"
    );
    let fault = told(CrashKind::Fault);
    assert!(!fault.contains("the panic itself"), "{fault}");
    // A function that calls itself is told once.
    assert!(
        fault.contains("\n      and 1 more of the same\n   2  0x"),
        "{fault}"
    );
    assert_eq!(
        fault.matches("core::panicking::panic_fmt").count(),
        2,
        "{fault}"
    );
}

fn address_of(function: &str) -> u64 {
    let file = object::File::parse(elf()).unwrap();
    let is = |symbol: &object::Symbol<'_, '_>| {
        let name = symbol.name().unwrap_or_default();
        format!("{:#}", rustc_demangle::demangle(name)) == function
    };
    file.symbols().find(is).unwrap().address()
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
