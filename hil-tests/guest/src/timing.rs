//! The timing app's figures, as the harness wants them.

use std::fs;
use std::time::Duration;

use offsched_abi::header::State;
use offsched_client::{Channel, Device};
use offsched_drills::echo::STAMP;
use offsched_hal_x86::tsc;

use crate::Outcome;
use crate::channels::said;
use crate::rig::{NODE, Rig};

const IMAGE: &str = "offsched_timing";
/// The app is done by then, in counted time; Linux sleeps meanwhile, so that it takes no turns.
const APP: Duration = Duration::from_millis(500);
/// A kernel goes on booting in the background, and takes turns from the core: by then it is done.
const BOOT: Duration = Duration::from_secs(30);

const SAMPLES: usize = 15;
const TRACING: &str = "/sys/kernel/tracing";
const BETWEEN: Duration = Duration::from_millis(20);

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

/// Across the boundary, with a core that halts and a reader that sleeps.
fn boundary(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    std::thread::sleep(APP);
    let device = said(Device::open(NODE))?;
    let mut channel = said(device.bind("echo"))?;
    let (mut back, mut both) = ([0; SAMPLES], [0; SAMPLES]);
    for (back, both) in back.iter_mut().zip(&mut both) {
        // Until everybody sleeps again.
        std::thread::sleep(BETWEEN);
        let asked = tsc::read();
        said(channel.send_msg(&[STAMP, 0, 0, 0]))?;
        let answer: [u64; 4] = said(channel.recv_msg(APP))?.ok_or("no answer")?;
        let answered = tsc::read();
        *back = answered.saturating_sub(answer[1]);
        *both = answered.saturating_sub(asked);
    }
    let handler = handler(&mut channel, rig.cpu)?;
    println!("figure image to Linux's handler {}", least(handler));
    println!("figure image to blocked reader {}", least(back));
    println!("figure application to core and back {}", least(both));
    core.give_back()
}

/// Until the handler of the core's interrupt is entered, by the kernel's own tracing. Apart from the others: tracing
/// takes time from whoever waits behind it.
fn handler(channel: &mut Channel, cpu: u32) -> Result<[u64; SAMPLES], String> {
    const EVENT: &str = "events/irq/irq_handler_entry";
    trace("trace_clock", "x86-tsc")?;
    // The module gives its interrupts the names of their devices.
    trace(&format!("{EVENT}/filter"), &format!("name == \"cpu{cpu}\""))?;
    trace(&format!("{EVENT}/enable"), "1")?;
    let mut samples = [0; SAMPLES];
    for sample in &mut samples {
        std::thread::sleep(BETWEEN);
        trace("trace", "")?;
        said(channel.send_msg(&[STAMP, 0, 0, 0]))?;
        let answer: [u64; 4] = said(channel.recv_msg(APP))?.ok_or("no answer")?;
        let text = fs::read_to_string(format!("{TRACING}/trace"))
            .map_err(|error| format!("the trace: {error}"))?;
        let entered = text
            .lines()
            .find_map(|line| {
                let (before, _) = line.split_once(": irq_handler_entry: ")?;
                before.split_whitespace().last()?.parse::<u64>().ok()
            })
            .ok_or_else(|| format!("no handler in the trace:\n{text}"))?;
        *sample = entered.saturating_sub(answer[1]);
    }
    trace(&format!("{EVENT}/enable"), "0")?;
    Ok(samples)
}

fn trace(file: &str, text: &str) -> Outcome {
    fs::write(format!("{TRACING}/{file}"), text)
        .map_err(|error| format!("tracing, {file}: {error}"))
}

/// The way without anything of Linux's own in between: its ticks fall where they fall.
fn least(samples: [u64; SAMPLES]) -> u64 {
    samples.into_iter().min().unwrap_or_default()
}
