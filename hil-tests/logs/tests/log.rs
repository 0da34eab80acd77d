//! The example's log, decoded: the lines expected, on a hosted core.

use std::sync::Arc;

use offsched::abi::log::{LOG_SLOTS, LogRings};
use offsched::{App, ExtU64};
use offsched_decode::{LogEntry, LogLine, LogReader, LogTexts};
use offsched_hosted::{Boundary, Config, Outcome, Telemetry, spawn};
use offsched_logs::flood::FRAMES;

fn texts() -> LogTexts {
    let elf = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    LogTexts::parse(&elf).unwrap().expect("an app that logs")
}

fn config() -> Config {
    let folder = format!("offsched-logs-{}", std::process::id());
    Config {
        runtime_dir: Some(std::env::temp_dir().join(folder)),
        ..Config::default()
    }
}

/// Runs an app on a hosted core and looks at what it logged.
fn logged<A: App>() -> Vec<LogLine> {
    let telemetry = Arc::new(Telemetry::of::<A>());
    // One core at a time: they would claim the same CPU.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let alone = ALONE.lock();
    let outcome = spawn::<A>(config(), Some(telemetry.clone()))
        .unwrap()
        .join();
    drop(alone);
    assert_eq!(outcome, Outcome::Stopped);
    LogReader::new(&texts()).read(telemetry.logs().unwrap())
}

fn lines(log: &[LogLine]) -> String {
    log.iter().map(|line| format!("{}\n", line.entry)).collect()
}

#[test]
fn frames_of_all_levels_come_out_whole_and_by_time() {
    let log = logged::<offsched_logs::log::App>();
    assert_eq!(lines(&log), include_str!("../expected/log.txt"));
    assert!(log.windows(2).all(|pair| pair[0].tsc < pair[1].tsc) && log[0].tsc > 0);
}

#[test]
fn what_is_overwritten_is_counted() {
    let log = logged::<offsched_logs::flood::App>();
    let kept = log.len() - 1;
    assert_eq!(
        log[0].entry,
        LogEntry::Lost(u64::from(FRAMES) - kept as u64)
    );
    assert!((LOG_SLOTS / 2..=LOG_SLOTS).contains(&kept), "{kept}");
    let last = format!("INFO  [3] frame {}", FRAMES - 1);
    assert_eq!(log[kept].entry.to_string(), last);
}

/// The simulator keeps no logs: the app runs, and nothing is written anywhere.
#[test]
fn the_simulator_drops_them() {
    let run =
        offsched_sim::run::<offsched_logs::log::App>(&offsched_sim::Config::new(1_u64.secs()));
    assert_eq!(run.unwrap().outcome, offsched::Outcome::Stopped);
}

/// Frames that are none: lines that say so, and no panic that gets out.
#[test]
fn whatever_the_rings_hold_reading_ends() {
    let texts = texts();
    let rings = Box::<LogRings>::default();
    let mut state = 1_u64;
    for round in 0..2_000_usize {
        let ring = &rings.rings[round % rings.rings.len()];
        assert!(ring.begin());
        for _ in 0..round % 40 {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let any = (state >> 33).to_le_bytes();
            // Now and then a number that is a text's.
            let bytes = if round % 3 == 0 {
                [any[0] % 64, 0]
            } else {
                [any[0], any[1]]
            };
            ring.write(&bytes);
        }
        ring.end(round as u8);
    }
    std::panic::set_hook(Box::new(|_| {}));
    let lines = LogReader::new(&texts).read(&rings);
    let _ = std::panic::take_hook();
    assert!(lines.len() > 1_000);
}
