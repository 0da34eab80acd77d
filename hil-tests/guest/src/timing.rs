//! The timing app's figures, as the harness wants them.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use offsched_abi::header::State;
use offsched_timing::answers::{MESSAGE, SERVICE};
use rustix::fs::OFlags;
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::node::{bound_to, call};
use crate::raw;
use crate::rig::Rig;

const IMAGE: &str = "offsched_timing";
/// The app is done by then, in counted time; Linux sleeps meanwhile, so that it takes no turns.
const APP: Duration = Duration::from_secs(1);
/// A kernel goes on booting in the background, and takes turns from the core: by then it is done.
const BOOT: Duration = Duration::from_secs(30);

/// Odd, so that one is in the middle.
const SAMPLES: usize = 51;
const TRACING: &str = "/sys/kernel/tracing";
/// Before each message, and how long Linux's tick takes (Debian's kernels have HZ = 250).
const REST: Duration = Duration::from_millis(20);
const TICK: Duration = Duration::from_millis(4);

/// The image prints `NAME CYCLES`, line by line.
pub fn figures(rig: &Rig) -> Outcome {
    std::thread::sleep(BOOT);
    let core = rig.start(IMAGE)?;
    std::thread::sleep(APP);
    let state = core.wait(&[State::Offline, State::Crashed])?;
    let (printed, crash) = (core.console(), core.crash()?);
    core.give_back()?;
    let Some(figures) = printed.strip_suffix("-- stopped as asked\n") else {
        return Err(format!("{state}: {crash}\nprinted:\n{printed}"));
    };
    for line in figures.lines() {
        println!("figure {line}");
    }
    boundary(rig)
}

/// Across the boundary, with a core that halts and a reader that sleeps on a CPU that sleeps.
fn boundary(rig: &Rig) -> Outcome {
    let core = rig.start("answers")?;
    let (handle, _) = bound_to(SERVICE, OFlags::empty())?;
    std::thread::sleep(APP);
    let (mut there, mut back) = ([0; SAMPLES], [0; SAMPLES]);
    for (sample, (there, back)) in (0..).zip(there.iter_mut().zip(&mut back)) {
        let trip = Trip::make(&handle, sample)?;
        (*there, *back) = (trip.heard - trip.asked, trip.woken - trip.answered);
    }
    let handler = handler(&handle, rig.cpu)?;
    println!("figure application to image {}", median(there));
    println!("figure image to Linux's handler {}", median(handler));
    println!("figure image to blocked reader {}", median(back));
    core.give_back()
}

/// A message there, and an answer when the reader sleeps: what the counter was on the way.
struct Trip {
    asked: u64,
    heard: u64,
    answered: u64,
    woken: u64,
}

impl Trip {
    /// After a rest, so that everybody sleeps; each sample at another place between two ticks of Linux's.
    fn make(handle: &OwnedFd, sample: u32) -> Result<Self, String> {
        std::thread::sleep(REST + TICK / SAMPLES as u32 * sample);
        let mut words = [0_u64; 2];
        let (sent, asked) = raw::write_stamped(handle, words.as_bytes());
        let (came, woken) = raw::read_stamped(handle, words.as_mut_bytes());
        if (call("write", sent)?, call("read", came)?) != (MESSAGE, MESSAGE) {
            return Err("a message of another length".to_owned());
        }
        let [heard, answered] = words;
        Ok(Self {
            asked,
            heard,
            answered,
            woken,
        })
    }
}

/// Until the handler of the core's interrupt is entered, by the kernel's own tracing. Apart from the others: tracing
/// takes time from whoever waits behind it.
fn handler(handle: &OwnedFd, cpu: u32) -> Result<[u64; SAMPLES], String> {
    const EVENT: &str = "events/irq/irq_handler_entry";
    trace("trace_clock", "x86-tsc")?;
    // The module gives its interrupts the names of their devices.
    trace(&format!("{EVENT}/filter"), &format!("name == \"cpu{cpu}\""))?;
    trace(&format!("{EVENT}/enable"), "1")?;
    let mut samples = [0; SAMPLES];
    for (number, sample) in (0..).zip(&mut samples) {
        trace("trace", "")?;
        let trip = Trip::make(handle, number)?;
        let text = fs::read_to_string(format!("{TRACING}/trace"))
            .map_err(|error| format!("the trace: {error}"))?;
        let entered = text
            .lines()
            .find_map(|line| {
                let (before, _) = line.split_once(": irq_handler_entry: ")?;
                before.split_whitespace().last()?.parse::<u64>().ok()
            })
            .ok_or_else(|| format!("no handler in the trace:\n{text}"))?;
        *sample = entered.saturating_sub(trip.answered);
    }
    trace(&format!("{EVENT}/enable"), "0")?;
    Ok(samples)
}

fn trace(file: &str, text: &str) -> Outcome {
    fs::write(format!("{TRACING}/{file}"), text)
        .map_err(|error| format!("tracing, {file}: {error}"))
}

/// What it mostly is: now and then a tick of Linux's falls into it.
fn median(mut samples: [u64; SAMPLES]) -> u64 {
    samples.sort_unstable();
    samples[SAMPLES / 2]
}
