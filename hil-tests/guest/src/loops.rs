//! Offload and return, again and again.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use offsched_abi::header::State;

use crate::rig::Rig;
use crate::{Outcome, Report};

const ROUNDS: u32 = 20;
/// An image and its shared memory are about 1.6 MiB: half of what the rounds would lose.
const LEAK_KIB: u64 = 16 * 1024;

pub fn run(rig: &Rig, report: &mut Report) {
    report.case("20 offloads and returns", || rounds(rig));
    report.case("plain hot-plug", || plain(rig));
    report.case("nothing in the kernel's log", kernel_log);
}

fn rounds(rig: &Rig) -> Outcome {
    let (mut starts, mut returns) = (Duration::ZERO, Duration::ZERO);
    let before = free_kib()?;
    for round in 1..=ROUNDS {
        let begin = Instant::now();
        let core = rig
            .start("preempt")
            .map_err(|why| format!("round {round}: {why}"))?;
        starts += begin.elapsed();
        core.wait(&[State::Offline])?;
        let begin = Instant::now();
        core.give_back()
            .map_err(|why| format!("round {round}: {why}"))?;
        returns += begin.elapsed();
    }
    println!(
        "note mean of {ROUNDS}: load and start {:?}, return {:?}",
        starts / ROUNDS,
        returns / ROUNDS
    );
    let lost = before.saturating_sub(free_kib()?);
    if lost < LEAK_KIB {
        Ok(())
    } else {
        Err(format!("{lost} KiB of memory are gone"))
    }
}

/// The same without us, to compare.
fn plain(rig: &Rig) -> Outcome {
    let switch = |to: &str| {
        let begin = Instant::now();
        fs::write(rig.online_file(), to).map_err(|error| format!("online = {to}: {error}"))?;
        Ok::<_, String>(begin.elapsed())
    };
    let (mut offs, mut ons) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ROUNDS {
        offs += switch("0")?;
        ons += switch("1")?;
    }
    println!(
        "note plain CPU hot-plug, mean of {ROUNDS}: off {:?}, on {:?}",
        offs / ROUNDS,
        ons / ROUNDS
    );
    rig.check_returned()
}

fn free_kib() -> Result<u64, String> {
    let text =
        fs::read_to_string("/proc/meminfo").map_err(|error| format!("/proc/meminfo: {error}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("MemFree:")?.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| "/proc/meminfo has no MemFree".to_owned())
}

/// No warning, oops or lockdep splat so far.
fn kernel_log() -> Outcome {
    let log = Command::new("dmesg")
        .output()
        .map_err(|error| format!("dmesg: {error}"))?;
    let text = String::from_utf8_lossy(&log.stdout);
    let bad: Vec<_> = text
        .lines()
        .filter(|line| {
            ["WARNING:", "BUG:", "Oops", "Call Trace", "stuck"]
                .iter()
                .any(|word| line.contains(word))
        })
        .collect();
    if bad.is_empty() {
        Ok(())
    } else {
        Err(bad.join("\n"))
    }
}
