//! Clients inside the kernel: the example module sends from a timer's hard interrupt.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use offsched_abi::header::State;
use offsched_drills::echo::CRASH;
use rustix::fs::OFlags;

use crate::Outcome;
use crate::case::Case;
use crate::node::bound;
use crate::rig::{Offloaded, Rig};

const EXAMPLE: &str = "offsched_example";
const BURSTS: &str = "offsched_bursts";
/// Not where a module was given that was built elsewhere, with nothing beside it.
const FILE: &str = "offsched_example.ko";
const BURSTS_FILE: &str = "offsched_bursts.ko";
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(2);
/// Messages of a client that ends by itself.
const MESSAGES: u64 = 100;
/// Channels of the service.
const CHANNELS: usize = 3;
/// Clients that go, or whose core goes, in the middle.
const TIMES: u32 = 5;
/// Replies that the module takes in one go, and one less.
const REPLIES: [u64; 2] = [63, 64];
/// Bursts of each.
const ROUNDS: u64 = 1000;
/// Longest that one takes.
const ROUND: Duration = Duration::from_secs(5);
/// Sends without end, as fast as a guest stands.
const FLOW: [&str; 2] = ["count=0", "period_us=250"];

pub fn cases() -> Vec<Case> {
    let all = [
        Case::new("a client inside the kernel", answers),
        Case::new("a client inside the kernel states its types", types),
        Case::new(
            "a client inside the kernel sends too short a message",
            short,
        ),
        Case::new("a client inside the kernel goes in the middle", goes),
        Case::new(
            "a core is returned under a client inside the kernel",
            returned,
        ),
        Case::new("a core crashes under a client inside the kernel", crashed),
    ];
    let mut all: Vec<_> = all.map(|case| case.with_part(FILE)).into();
    all.push(Case::new("bursts for a client inside the kernel", bursts).with_part(BURSTS_FILE));
    all
}

/// The module, out of the kernel when it is dropped.
struct Client(&'static str);

impl Client {
    fn insert(rig: &Rig, words: &[&str]) -> Result<Self, String> {
        Self::of(rig, EXAMPLE, words)
    }

    fn of(rig: &Rig, module: &'static str, words: &[&str]) -> Result<Self, String> {
        let file = rig.file(&format!("{module}.ko")).display().to_string();
        command(&[&["insmod", &file], words].concat())?;
        Ok(Self(module))
    }

    fn remove(self) -> Outcome {
        let module = self.0;
        std::mem::forget(self);
        command(&["rmmod", module])
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // The case has failed already; the next one will say if this did too.
        let _ = command(&["rmmod", self.0]);
    }
}

fn command(line: &[&str]) -> Outcome {
    let output = Command::new(line[0])
        .args(&line[1..])
        .output()
        .map_err(|error| format!("{line:?}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("{line:?}: {errors}"))
    }
}

fn figure(name: &str) -> Result<u64, String> {
    figure_of(EXAMPLE, name)
}

fn figure_of(module: &str, name: &str) -> Result<u64, String> {
    let path = format!("/sys/module/{module}/parameters/{name}");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    text.trim().parse().map_err(|_| format!("{path}: {text}"))
}

fn figures() -> Result<String, String> {
    let names = [
        "sent", "full", "refused", "soft", "received", "wrong", "gone",
    ];
    let figures = names.map(|name| figure(name).map(|value| format!("{name} {value}")));
    Ok(figures
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .join(", "))
}

/// The example's figures, and how the core fares.
fn flows(core: &Offloaded<'_>) -> Outcome {
    reaches("received", MESSAGES).map_err(|why| {
        let counters = core.counters();
        let beat = core.heartbeat();
        std::thread::sleep(PATIENCE / 100);
        let again = core.heartbeat();
        format!(
            "{why}; core {:?}, strays and NMIs {counters:?}, heartbeat {beat:?} then {again:?}",
            core.state()
        )
    })?;
    good()
}

/// Waits until a figure is as large.
fn reaches(name: &str, least: u64) -> Outcome {
    let begin = Instant::now();
    while figure(name)? < least {
        if begin.elapsed() > PATIENCE {
            return Err(format!("{name} stays below {least}: {}", figures()?));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Nothing wrong, and nothing sent but in hard interrupts.
fn good() -> Outcome {
    if figure("wrong")? == 0 && figure("soft")? == 0 {
        Ok(())
    } else {
        Err(figures()?)
    }
}

/// That all the service's channels can be had.
fn all_free() -> Outcome {
    let all = [(); CHANNELS].map(|()| bound(OFlags::empty()));
    all.into_iter().try_for_each(|handle| handle.map(|_| ()))
}

/// It has every answer, in order, then hears that the core goes.
fn answers(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let client = Client::insert(rig, &[])?;
    reaches("received", MESSAGES)?;
    good()?;
    core.give_back()?;
    told_once()?;
    client.remove()?;
    // Given back in order: another one can have it.
    let core = rig.start("echoes")?;
    Client::insert(rig, &[])?.remove()?;
    all_free()?;
    core.give_back()
}

/// Every burst ends, whenever its last reply comes: no ring is lost.
fn bursts(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    for replies in REPLIES {
        let words = [format!("replies={replies}"), format!("bursts={ROUNDS}")];
        let client = Client::of(rig, BURSTS, &[&words[0], &words[1]])?;
        let received = || figure_of(BURSTS, "received");
        let (mut last, mut since) = (0, Instant::now());
        while received()? < replies * ROUNDS {
            std::thread::sleep(LOOK);
            let now = received()?;
            if now > last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > ROUND {
                return Err(format!(
                    "burst {} of {replies}: {now} replies, {} messages",
                    last / replies + 1,
                    figure_of(BURSTS, "sent")?
                ));
            }
        }
        if figure_of(BURSTS, "wrong")? != 0 {
            return Err(format!("{replies}: not what was sent"));
        }
        client.remove()?;
    }
    core.give_back()
}

/// Of other messages than the service's: refused, and no channel is taken.
fn types(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    for words in ["sends=[u32;8]", "expects=[u32;8]"] {
        match Client::insert(rig, &[words]) {
            // EPROTOTYPE, as the C library says it.
            Err(why) if why.contains("rotocol wrong type") => {}
            Err(why) => return Err(format!("{words}: {why}")),
            Ok(_) => return Err(format!("{words}: bound")),
        }
        all_free()?;
    }
    Client::insert(rig, &["sends=[u64;4]", "expects=[u64;4]"])?.remove()?;
    core.give_back()
}

/// The service would throw it away unseen; its sender is told.
fn short(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let client = Client::insert(rig, &["bytes=31"])?;
    reaches("refused", 1)?;
    let sent = figure("sent")?;
    client.remove()?;
    core.give_back()?;
    if sent == 0 {
        Ok(())
    } else {
        Err(format!("{sent} sent"))
    }
}

/// Unloaded while messages are under way, both ways.
fn goes(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    for _ in 0..TIMES {
        let client = Client::insert(rig, &FLOW)?;
        flows(&core)?;
        client.remove()?;
        all_free()?;
    }
    core.check_alive()?;
    core.give_back()
}

fn told_once() -> Outcome {
    reaches("gone", 1)?;
    // Whatever would tell it again has had the time.
    std::thread::sleep(LOOK * 10);
    good()?;
    match figure("gone")? {
        1 => Ok(()),
        _ => Err(figures()?),
    }
}

fn returned(rig: &Rig) -> Outcome {
    for _ in 0..TIMES {
        let core = rig.start("echoes")?;
        let client = Client::insert(rig, &FLOW)?;
        flows(&core)?;
        core.give_back()?;
        told_once()?;
        // Who sends on is told so.
        reaches("refused", 1)?;
        client.remove()?;
    }
    Ok(())
}

/// By its own message, the last of many.
fn crashed(rig: &Rig) -> Outcome {
    for _ in 0..TIMES {
        let core = rig.start("echoes")?;
        let count = format!("count={MESSAGES}");
        let last = format!("last={CRASH}");
        let client = Client::insert(rig, &[&count, &last, "period_us=250"])?;
        core.wait(&[State::Crashed])?;
        told_once()?;
        let (sent, received) = (figure("sent")?, figure("received")?);
        if (sent, received) != (MESSAGES, MESSAGES - 1) {
            return Err(figures()?);
        }
        client.remove()?;
        core.give_back()?;
    }
    Ok(())
}
