//! Offload and return, again and again, while Linux is busy: what it costs,
//! and that nothing is lost.

use std::fmt;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::low_pages::LowPages;
use crate::rig::Rig;

/// Before anything is counted: caches fill, and what is allocated once is there.
const WARM_UP: u32 = 5;
/// What page caches of processors and the like make a count uncertain by.
const NOISE_KIB: u64 = 2 * 1024;
/// What leaks, leaks in each of so many batches; what Linux keeps for itself now and then does not.
const BATCHES: u32 = 3;
/// Threads that keep Linux busy, and what each touches, bytes.
const LOADS: usize = 2;
const TOUCHED: usize = 4 << 20;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("offload and return", calm),
        Case::new("plain hot-plug", plain),
        Case::new("offload and return under load", loaded),
    ]
}

/// Without load, to compare with plain hot-plug.
fn calm(rig: &Rig) -> Outcome {
    let means = rounds(rig, rig.cycles)?;
    println!("note {means}: mean of {}", rig.cycles);
    Ok(())
}

/// The same without us.
fn plain(rig: &Rig) -> Outcome {
    let (mut offs, mut ons) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rig.cycles {
        offs += rig.plug("0")?;
        ons += rig.plug("1")?;
    }
    println!(
        "note plain CPU off {:?}, on {:?}: mean of {}",
        offs / rig.cycles,
        ons / rig.cycles,
        rig.cycles
    );
    rig.check_returned()
}

/// Nothing is lost: memory, interrupts and their vectors, low pages.
fn loaded(rig: &Rig) -> Outcome {
    under_load(|| rounds(rig, WARM_UP))?;
    let low = rig.harness.then(|| LowPages::look(rig)).transpose()?;
    let mut before = Resources::count()?;
    for batch in 1..=BATCHES {
        let means = under_load(|| rounds(rig, rig.cycles))?;
        let after = Resources::count()?;
        println!(
            "note under load: {means}: mean of {}; memory in use {:+} KiB, slab {:+} KiB",
            rig.cycles,
            before.free_kib as i64 - after.free_kib as i64,
            after.slab_kib as i64 - before.slab_kib as i64,
        );
        match before.check(&after) {
            Ok(()) => break,
            Err(why) if batch == BATCHES => return Err(why),
            Err(_) => before = after,
        }
    }
    low.map_or(Ok(()), |low| low.check(rig, "after the cycles"))
}

/// What the steps of an offload and a return take, each.
#[derive(Default)]
struct Means {
    load: Duration,
    start: Duration,
    back: Duration,
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, start, back } = self;
        write!(f, "load {load:?}, start {start:?}, return {back:?}")
    }
}

/// Offloads and returns, without what the image does meanwhile.
fn rounds(rig: &Rig, count: u32) -> Result<Means, String> {
    let mut sums = Means::default();
    for round in 1..=count {
        let wrong = |why| format!("round {round}: {why}");
        let core = rig.start("preempt").map_err(wrong)?;
        sums.load += core.load;
        sums.start += core.start;
        core.wait(&[State::Offline]).map_err(wrong)?;
        let begin = Instant::now();
        core.give_back().map_err(wrong)?;
        sums.back += begin.elapsed();
    }
    let count = count.max(1);
    Ok(Means {
        load: sums.load / count,
        start: sums.start / count,
        back: sums.back / count,
    })
}

/// Runs `body` while threads compute, touch memory, write files and start programs.
fn under_load<R>(body: impl FnOnce() -> R) -> R {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for number in 0..LOADS {
            let stop = &stop;
            scope.spawn(move || load(number, stop));
        }
        let result = body();
        stop.store(true, Relaxed);
        result
    })
}

fn load(number: usize, stop: &AtomicBool) {
    let file = format!("/tmp-load-{number}");
    while !stop.load(Relaxed) {
        let mut memory = vec![1_u8; TOUCHED];
        memory.iter_mut().step_by(64).for_each(|byte| *byte += 1);
        // It is the work that matters, not whether it succeeds.
        let _ = fs::write(&file, &memory[..TOUCHED / 8]);
        let _ = Command::new("true").stdout(Stdio::null()).status();
    }
    let _ = fs::remove_file(&file);
}

/// What cycles must not use up.
#[derive(Debug)]
struct Resources {
    free_kib: u64,
    slab_kib: u64,
    /// Interrupts that Linux has, by number.
    interrupts: Vec<String>,
}

impl Resources {
    fn count() -> Result<Self, String> {
        // What only speeds things up is no loss.
        fs::write("/proc/sys/vm/drop_caches", "3")
            .map_err(|error| format!("drop_caches: {error}"))?;
        // Freed memory and descriptors that wait for RCU.
        std::thread::sleep(Duration::from_millis(500));
        let meminfo =
            fs::read_to_string("/proc/meminfo").map_err(|error| format!("meminfo: {error}"))?;
        let entries = fs::read_dir("/proc/irq").map_err(|error| format!("/proc/irq: {error}"))?;
        let mut interrupts: Vec<_> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        interrupts.sort();
        Ok(Self {
            free_kib: kib(&meminfo, "MemFree:")?,
            slab_kib: kib(&meminfo, "SUnreclaim:")?,
            interrupts,
        })
    }

    fn check(&self, after: &Self) -> Outcome {
        let lost = self.free_kib.saturating_sub(after.free_kib);
        let slab = after.slab_kib.saturating_sub(self.slab_kib);
        if lost > NOISE_KIB || slab > NOISE_KIB {
            return Err(format!(
                "{lost} KiB of memory are gone, of them {slab} KiB in slabs"
            ));
        }
        if self.interrupts != after.interrupts {
            return Err(format!(
                "interrupts before: {:?}, after: {:?}",
                self.interrupts, after.interrupts
            ));
        }
        Ok(())
    }
}

fn kib(meminfo: &str, name: &str) -> Result<u64, String> {
    meminfo
        .lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| format!("/proc/meminfo has no {name}"))
}
