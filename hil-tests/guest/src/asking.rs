//! Nobody sleeps unheard: who waits has asked to be rung, and each ring and each close is heard.

use std::fs;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use offsched_abi::channel::{WAKE_MAIL, WAKE_ROOM};
use offsched_abi::header::{BELL_OFFSET, RUNG_OFFSET};
use offsched_client::Device;
use offsched_drills::echo::ECHO;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::{Errno, read, write};
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::case::Case;
use crate::channels::said;
use crate::forged::{APP_WANTS, EPOCH, FROM_CORE_DATA, FROM_CORE_TAIL, Forged, OPEN, TO_CORE_HEAD};
use crate::node::{bound, bound_to, call, map, want};
use crate::raw;
use crate::rig::{NODE, Offloaded, Rig};
use crate::script::Step;

/// Nobody waits so long for anything, on the busiest host.
const PATIENCE: Duration = Duration::from_secs(240);
/// Rings of an idle core, until one is heard that was no alarm for certain.
const TRIES: u32 = 200;
const LOOK: Duration = Duration::from_millis(1);

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a read that sleeps is rung", reader),
        Case::new("a write that sleeps is rung", writer),
        Case::new("a poll that sleeps is rung", poller),
        Case::new("a client that sleeps is rung", library),
        Case::new("an idle core hears of a close", close),
        Case::new("an idle core is rung, again and again", rung),
        Case::new("a channel is no code", no_code),
        Case::new("an interrupt that moves", moves).with_cpus(3),
    ]
}

/// What a thread says within reason.
fn soon<T>(from: &Receiver<T>, what: &str) -> Result<T, String> {
    from.recv_timeout(PATIENCE)
        .map_err(|_| format!("{what} sleeps for ever"))
}

/// Runs in a thread what may not sleep for ever.
pub fn in_time<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (sender, result) = channel();
    thread::spawn(move || {
        // Nobody waits any more.
        let _ = sender.send(work());
    });
    soon(&result, what)
}

/// A core that sends a message of 8 bytes when it has been asked to ring for one, and rings; twice.
fn sends_when_asked(region: &Forged) -> Vec<Step> {
    let at = region.channel(0);
    let mut steps = vec![Step::Wait32(region.word(0), OPEN)];
    for message in 0..2 {
        steps.extend([
            Step::Wait32(at + APP_WANTS, WAKE_MAIL),
            Step::Store32(at + APP_WANTS, 0),
            Step::Store(at + FROM_CORE_DATA + 16 * message, 8),
            Step::Store(at + FROM_CORE_DATA + 16 * message + 8, message),
            Step::Store(at + FROM_CORE_TAIL, EPOCH | (2 * message + 2)),
            Step::Store(Forged::address(RUNG_OFFSET), 1),
            Step::Ring,
        ]);
    }
    steps
}

/// Who sleeps without having asked gets nothing of that core.
fn reader(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let core = region.start(rig, &sends_when_asked(&region))?;
    let (handle, _) = bound_to("one", OFlags::empty())?;
    let result = in_time("the reader", move || {
        let mut words = [0_u64; 2];
        for word in &mut words {
            call("read", read(&handle, word.as_mut_bytes()))?;
        }
        Ok::<_, String>(words)
    });
    let words = result??;
    core.give_back()?;
    if words == [0, 1] {
        Ok(())
    } else {
        Err(format!("{words:?}"))
    }
}

fn poller(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let core = region.start(rig, &sends_when_asked(&region))?;
    let (handle, _) = bound_to("one", OFlags::NONBLOCK)?;
    in_time("the poll", move || {
        for _ in 0..2 {
            let mut fds = [PollFd::new(&handle, PollFlags::IN)];
            call("poll", poll(&mut fds, None))?;
            call("read", read(&handle, &mut [0; 8]))?;
        }
        Ok::<_, String>(())
    })??;
    core.give_back()
}

/// By the client library, which maps the rings.
fn library(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let core = region.start(rig, &sends_when_asked(&region))?;
    let device = said(Device::open(NODE))?;
    let mut channel = said(device.bind("one"))?;
    in_time("the client", move || {
        for _ in 0..2 {
            said(channel.recv(&mut [0; 8]))?;
        }
        Ok::<_, String>(())
    })??;
    core.give_back()
}

/// Two messages of 251 words fill the ring; the core takes both when it has been asked for room.
fn writer(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let at = region.channel(0);
    let steps = [
        Step::Wait32(region.word(0), OPEN),
        Step::Wait32(at + APP_WANTS, WAKE_ROOM),
        Step::Store32(at + APP_WANTS, 0),
        Step::Store(at + TO_CORE_HEAD, EPOCH | 502),
        Step::Store(Forged::address(RUNG_OFFSET), 1),
        Step::Ring,
    ];
    let core = region.start(rig, &steps)?;
    let (handle, _) = bound_to("one", OFlags::empty())?;
    in_time("the writer", move || {
        for _ in 0..3 {
            call("write", write(&handle, &[0; 2000]))?;
        }
        Ok::<_, String>(())
    })??;
    core.give_back()
}

/// Alarms and doorbells that the core has had.
fn heard(core: &Offloaded<'_>) -> Result<u64, String> {
    let region = core.shared.region().map_err(|error| error.to_string())?;
    Ok(region.core().interrupts.load(Relaxed))
}

/// Waits for what comes sooner or later, however slow the host is.
fn wait_until(what: &str, mut holds: impl FnMut() -> Result<bool, String>) -> Outcome {
    let begin = Instant::now();
    while !holds()? {
        if begin.elapsed() > PATIENCE {
            return Err(format!("{what}: never"));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// Waits until the core has heard all rings so far and has slept since: what it hears next by itself is an alarm.
fn settled(core: &Offloaded<'_>) -> Outcome {
    let header = core.mapping()?;
    wait_until("the core hears", || Ok(header.byte(BELL_OFFSET) == 0))?;
    // It takes the mark away before it counts, so the first that is counted from here on may be that ring.
    let before = heard(core)?;
    wait_until("the core's alarm", || Ok(heard(core)? >= before + 2))
}

/// From before the core's last look at the clock, behind which it sets its alarm and sleeps, until it hears something.
fn until_heard<T>(
    core: &Offloaded<'_>,
    ring: impl FnOnce() -> Result<T, String>,
) -> Result<Duration, String> {
    let mut since = Instant::now();
    let (_, last) = core.heartbeat()?;
    wait_until("the core's heartbeat", || {
        let now = Instant::now();
        let looked = core.heartbeat()?.1 != last;
        if !looked {
            since = now;
        }
        Ok(looked)
    })?;
    let before = heard(core)?;
    // What it leaves is dropped when that was heard: a close rings too.
    let _left = ring()?;
    wait_until("the core hears", || Ok(heard(core)? != before))?;
    Ok(since.elapsed())
}

/// What the core hears sooner than this is no alarm: half of how long an idle core sleeps. It is measured, because a
/// processor of a guest on a busy host may have found a wrong rate of its timer.
fn sooner_than_alarm(core: &Offloaded<'_>) -> Result<Duration, String> {
    let mut sleeps = [Duration::ZERO; 5];
    for sleep in &mut sleeps {
        settled(core)?;
        *sleep = until_heard(core, || Ok(()))?;
    }
    sleeps.sort_unstable();
    Ok(sleeps[sleeps.len() / 2] / 2)
}

/// A core that sleeps hears `ring` of a new channel, not only its alarm: on a busy host some tries cannot tell.
fn hears<T>(
    core: &Offloaded<'_>,
    soon: Duration,
    what: &str,
    ring: impl Fn(OwnedFd) -> Result<T, String>,
) -> Outcome {
    for _ in 0..TRIES {
        let (handle, _) = bound(OFlags::empty())?;
        settled(core)?;
        if until_heard(core, || ring(handle))? < soon {
            return Ok(());
        }
    }
    Err(format!(
        "{what}: in {TRIES} tries an idle core heard nothing within {soon:?}, before its alarm"
    ))
}

/// By a close of the handle, and by the call.
fn close(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let soon = sooner_than_alarm(&core)?;
    hears(&core, soon, "a close of the handle", |handle| {
        drop(handle);
        Ok(())
    })?;
    hears(&core, soon, "the call", |handle| {
        call("close", raw::close(&handle))?;
        Ok(handle)
    })?;
    core.give_back()
}

/// A mark that stays set would swallow every ring after the first.
fn rung(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let soon = sooner_than_alarm(&core)?;
    for _ in 0..3 {
        hears(&core, soon, "a ring", |handle| {
            call("ring", raw::ring(&handle))?;
            Ok(handle)
        })?;
    }
    core.give_back()
}

fn no_code(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, bind) = bound(OFlags::empty())?;
    let mapping = call("map", map(&handle, &bind))?;
    want("a channel", mapping.make_executable(), Errno::ACCESS)?;
    want(
        "the region",
        core.mapping()?.make_executable(),
        Errno::ACCESS,
    )?;
    core.give_back()
}

/// The line of the core's interrupt: its number and its counts, a CPU of Linux each.
fn interrupt(rig: &Rig) -> Result<(String, Vec<u64>), String> {
    let text = fs::read_to_string("/proc/interrupts").map_err(|error| error.to_string())?;
    let name = format!("cpu{}", rig.cpu);
    let line = text
        .lines()
        .find(|line| line.contains("offsched") && line.ends_with(&name))
        .ok_or_else(|| format!("no interrupt of {name} in:\n{text}"))?;
    let (number, rest) = line.split_once(':').unwrap_or_default();
    let counts = rest
        .split_whitespace()
        .map_while(|word| word.parse().ok())
        .collect();
    Ok((number.trim().to_owned(), counts))
}

/// Linux moves the interrupt to each of its CPUs in turn, and the core rings there.
fn moves(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::empty())?;
    let cpus: Vec<u32> = (0..interrupt(rig)?.1.len() as u32 + 1)
        .filter(|cpu| *cpu != rig.cpu)
        .collect();
    for cpu in cpus.iter().chain([&0]) {
        let (number, before) = interrupt(rig)?;
        let file = format!("/proc/irq/{number}/smp_affinity_list");
        fs::write(&file, cpu.to_string()).map_err(|error| format!("{file}: {error}"))?;
        for round in 0..20 {
            // The reader sleeps first, most likely, so that it is rung.
            let theirs = call("dup", rustix::io::dup(&handle))?;
            let (sender, results) = channel();
            thread::spawn(move || sender.send(read(&theirs, &mut [0; 64])));
            thread::sleep(Duration::from_millis(5));
            call("write", write(&handle, [ECHO, round, 0, 0].as_bytes()))?;
            call("read", soon(&results, "the reader")?)?;
        }
        let (_, after) = interrupt(rig)?;
        // Columns are the CPUs that are online.
        let column = cpus
            .iter()
            .position(|other| other == cpu)
            .unwrap_or_default();
        if before.get(column) >= after.get(column) {
            return Err(format!("moved to CPU {cpu}: {before:?}, then {after:?}"));
        }
    }
    core.give_back()
}
