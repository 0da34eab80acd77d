//! Applications and services over the kernel's device, by the client library: the same calls as on
//! a hosted core.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use offsched_abi::PAGE_BYTES;
use offsched_abi::header::State;
use offsched_client::{Channel, Device, Error};
use offsched_device::ImageFile;
use offsched_drills::big::ROOM_BYTES;
use offsched_drills::echo::{CRASH, ECHO, HISTORY, STOP};
use offsched_services::timer;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::Outcome;
use crate::case::Case;
use crate::rig::{NODE, Offloaded, Rig};

/// Scenario of a child that binds a service and waits to be killed.
pub const HOLD: &str = "hold";

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Round trips, each with a core that sleeps and a reader that does.
const ROUND_TRIPS: u64 = 200;
const EXPIRIES: usize = 20;
/// Channels of the echo.
const CLIENTS: usize = 3;
/// What a large image and its rings have at least, together.
const BIG_MIB: u64 = 64;
/// Messages at a time, and how often until they are round a ring of 8 MiB: 5 words each.
const BATCH: usize = 4_000;
const ROUND: u64 = (8 << 20) / (5 * 8 * BATCH as u64) + 1;
/// That nobody waits for the next look or for a RETURN, however busy the host; no figure of how fast it is.
const AT_ONCE: Duration = Duration::from_secs(2);

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("timers, one-shot and periodic", timers),
        Case::new("a sleeping core is rung, and a blocked reader", wake),
        Case::new("several channels at once", several),
        Case::new("channels run out, and come back", taken),
        Case::new("a client is killed", killed),
        Case::new("a child does not keep the channel", inherited),
        Case::new("a core goes under its client", returned),
        Case::new("a core crashes under its client", crashed),
        Case::new("a core ends under its client", ended),
        Case::new("rings of megabytes", big),
        Case::new("states in sysfs", sysfs),
    ]
}

/// As `Outcome` wants it.
pub fn said<T>(result: Result<T, Error>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn open() -> Result<Device, String> {
    said(Device::open(NODE))
}

/// The words that come back.
fn ask(channel: &mut Channel, words: [u64; 4]) -> Result<[u64; 4], String> {
    said(channel.send_msg(&words))?;
    said(channel.recv_msg(PATIENCE))?.ok_or_else(|| format!("no answer to {words:?}"))
}

fn expect(channel: &mut Channel, kind: u32) -> Result<timer::Reply, String> {
    loop {
        let reply: timer::Reply = said(channel.recv_msg(PATIENCE))?.ok_or("no reply")?;
        match reply.kind {
            found if found == kind => return Ok(reply),
            timer::EXPIRED => {}
            other => return Err(format!("a reply of kind {other}, not {kind}")),
        }
    }
}

fn timers(rig: &Rig) -> Outcome {
    let core = rig.start("timers")?;
    let device = open()?;
    let mut channel = said(device.bind("timer"))?;
    said(channel.send_msg(&timer::Request::one_shot(7, 2_000)))?;
    let started = expect(&mut channel, timer::STARTED)?;
    let expired = expect(&mut channel, timer::EXPIRED)?;
    if (expired.id, expired.due_us) != (7, started.due_us) {
        return Err(format!("{started:?}, but {expired:?}"));
    }
    said(channel.send_msg(&timer::Request::periodic(8, 1_000, 1_000)))?;
    let started = expect(&mut channel, timer::STARTED)?;
    let mut expiries = 0;
    while expiries < EXPIRIES as u64 {
        let expired = expect(&mut channel, timer::EXPIRED)?;
        // What could not be told in between is counted, so that nothing is lost unseen.
        expiries += 1 + expired.untold;
        let due_us = started.due_us + (expiries - 1) * 1_000;
        if (expired.id, expired.due_us) != (8, due_us) {
            return Err(format!("expiry {expiries} is {expired:?}, due {due_us}"));
        }
    }
    said(channel.send_msg(&timer::Request::cancel(8)))?;
    expect(&mut channel, timer::CANCELLED)?;
    said(channel.send_msg(&timer::Request::cancel(8)))?;
    expect(&mut channel, timer::UNKNOWN)?;
    core.give_back()
}

/// Interrupts that cores have sent, as Linux counts them.
fn interrupts() -> Result<u64, String> {
    let text = fs::read_to_string("/proc/interrupts").map_err(|error| error.to_string())?;
    let lines = text.lines().filter(|line| line.contains("offsched"));
    Ok(lines
        .flat_map(str::split_whitespace)
        .skip(1)
        .map_while(|word| word.parse::<u64>().ok())
        .sum())
}

fn wake(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let mut channel = said(open()?.bind("echo"))?;
    let before = interrupts()?;
    for number in 0..ROUND_TRIPS {
        let words = [ECHO, number, !number, 0];
        let answer = ask(&mut channel, words)?;
        if answer != words {
            return Err(format!("{words:?} came back as {answer:?}"));
        }
    }
    let came = interrupts()? - before;
    println!("note {ROUND_TRIPS} round trips: {came} interrupts of Linux");
    core.give_back()?;
    if (1..=ROUND_TRIPS + 1).contains(&came) {
        Ok(())
    } else {
        Err(format!("{came} interrupts for {ROUND_TRIPS} round trips"))
    }
}

/// Each client has its own words back, in order.
fn stream(mut channel: Channel, client: u64) -> Outcome {
    let (mut sent, mut received) = (0, 0);
    while received < ROUND_TRIPS {
        while sent < ROUND_TRIPS && sent < received + 50 {
            said(channel.send_msg(&[ECHO, client, sent, client ^ sent]))?;
            sent += 1;
        }
        let words: [u64; 4] = said(channel.recv_msg(PATIENCE))?.ok_or("no answer")?;
        if words != [ECHO, client, received, client ^ received] {
            return Err(format!("client {client} got {words:?} at {received}"));
        }
        received += 1;
    }
    Ok(())
}

fn several(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let device = open()?;
    let channels = (0..CLIENTS).map(|_| said(device.bind("echo")));
    let channels = channels.collect::<Result<Vec<_>, _>>()?;
    let clients = (1..).zip(channels);
    let clients = clients.map(|(client, channel)| thread::spawn(move || stream(channel, client)));
    for client in clients.collect::<Vec<_>>() {
        client.join().map_err(|_| "a client panicked")??;
    }
    core.give_back()
}

/// Binds, as soon as a channel is free; it may take the device a moment.
fn bind_soon(device: &Device) -> Result<Channel, String> {
    let begin = Instant::now();
    loop {
        match device.bind("echo") {
            Err(Error::AllTaken { .. }) if begin.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(1));
            }
            result => return said(result),
        }
    }
}

fn all_taken(device: &Device) -> Outcome {
    match device.bind("echo") {
        Err(Error::AllTaken { .. }) => Ok(()),
        Err(error) => Err(format!("not all taken, but: {error}")),
        Ok(_) => Err("a channel more than there are".to_owned()),
    }
}

fn taken(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let device = open()?;
    match device.bind("ech") {
        Err(Error::NoService { known, .. }) if known == ["echo"] => {}
        Err(error) => return Err(format!("unknown service: {error}")),
        Ok(_) => return Err("bound a service that there is not".to_owned()),
    }
    let channels = (0..CLIENTS).map(|_| said(device.bind("echo")));
    let mut channels = channels.collect::<Result<Vec<_>, _>>()?;
    all_taken(&device)?;
    let indices: Vec<_> = channels.iter().map(Channel::index).collect();
    if indices != [0, 1, 2] {
        return Err(format!("channels {indices:?}"));
    }
    // The only free one is the one that was given back, and works for its next client.
    channels.remove(1).close();
    let mut again = said(device.bind("echo"))?;
    let words = [ECHO, 1, 2, 3];
    if again.index() != 1 || ask(&mut again, words)? != words {
        return Err(format!("channel {} after a close", again.index()));
    }
    // Of a service that is full: the old one is given back first.
    said(again.rebind())?;
    if ask(&mut again, words)? != words {
        return Err("no echo after a rebind".to_owned());
    }
    core.give_back()
}

/// In a process of its own: binds, uses the channel, says so, and waits for the end.
pub fn hold() -> ExitCode {
    let held = open().and_then(|device| {
        let mut channel = said(device.bind("echo"))?;
        ask(&mut channel, [ECHO, 0, 0, 0])?;
        // A message on its way each way when the end comes.
        said(channel.send_msg(&[ECHO, 1, 1, 1]))?;
        Ok((device, channel))
    });
    match held {
        Ok(_held) => {
            println!("held");
            loop {
                thread::park();
            }
        }
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A process that holds a channel.
fn holder() -> Result<(Child, BufReader<ChildStdout>), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args([".", HOLD])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("a child: {error}"))?;
    let mut output = BufReader::new(child.stdout.take().ok_or("a child without output")?);
    let mut line = String::new();
    output
        .read_line(&mut line)
        .map_err(|error| format!("a child's output: {error}"))?;
    if line == "held\n" {
        Ok((child, output))
    } else {
        Err(format!("the child said: {line}"))
    }
}

/// Waits until the service says that so many clients came and went.
fn history(channel: &mut Channel, wanted: [u64; 2]) -> Outcome {
    let begin = Instant::now();
    loop {
        let [_, came, went, _] = ask(channel, [HISTORY, 0, 0, 0])?;
        if [came, went] == wanted {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("{came} came, {went} went; wanted {wanted:?}"));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn killed(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let device = open()?;
    let mut witness = said(device.bind("echo"))?;
    let mut rounds = 0;
    for round in 1..=10 {
        let (mut child, _output) = holder()?;
        history(&mut witness, [1 + round, round - 1])?;
        child
            .kill()
            .and_then(|()| child.wait())
            .map_err(|error| format!("kill: {error}"))?;
        // It is gone when its parent hears of it, and so is its binding.
        history(&mut witness, [1 + round, round])?;
        rounds = round;
    }
    let _all = [said(device.bind("echo"))?, said(device.bind("echo"))?];
    history(&mut witness, [3 + rounds, rounds])?;
    core.give_back()
}

/// A descriptor that a child has from its parent is not the parent's binding.
fn inherited(rig: &Rig) -> Outcome {
    use std::os::fd::AsFd;
    let core = rig.start("echoes")?;
    let device = open()?;
    let others = [said(device.bind("echo"))?, said(device.bind("echo"))?];
    let channel = said(device.bind("echo"))?;
    fcntl_setfd(channel.as_fd(), FdFlags::empty()).map_err(|error| error.to_string())?;
    let mut child = Command::new("sleep")
        .arg("1000")
        .spawn()
        .map_err(|error| format!("sleep: {error}"))?;
    all_taken(&device)?;
    drop(channel);
    let mut again = bind_soon(&device)?;
    let words = [ECHO, 4, 5, 6];
    let answer = ask(&mut again, words)?;
    let alive = child.try_wait().map_err(|error| error.to_string())?;
    child
        .kill()
        .and_then(|()| child.wait())
        .map_err(|error| format!("kill: {error}"))?;
    drop(others);
    core.give_back()?;
    if alive.is_none() && answer == words {
        Ok(())
    } else {
        Err(format!("child {alive:?}, answer {answer:?}"))
    }
}

/// A client that waits for what never comes.
fn waiting(mut channel: Channel) -> thread::JoinHandle<(Channel, Result<usize, Error>)> {
    let waiter = thread::spawn(move || {
        let result = channel.recv(&mut [0; 64]);
        (channel, result)
    });
    // It sleeps by then, most likely; the case holds if it does not.
    thread::sleep(Duration::from_millis(100));
    waiter
}

/// Its error, and its channel.
fn woken(
    waiter: thread::JoinHandle<(Channel, Result<usize, Error>)>,
) -> Result<(Channel, State), String> {
    match waiter.join().map_err(|_| "the client panicked")? {
        (channel, Err(Error::CoreGone { state })) => Ok((channel, state)),
        (_, other) => Err(format!("the client got {other:?}")),
    }
}

fn returned(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let device = open()?;
    let waiter = waiting(said(device.bind("echo"))?);
    core.give_back()?;
    let (mut channel, state) = woken(waiter)?;
    if state != State::Offline {
        return Err(format!("gone, and {state}"));
    }
    if let other @ (Ok(_) | Err(Error::Closed)) = channel.try_recv(&mut [0; 64]) {
        return Err(format!("after the end: {other:?}"));
    }
    match channel.rebind() {
        Err(Error::CoreGone { .. }) => {}
        other => return Err(format!("bound to nothing: {other:?}")),
    }
    // The old channel's memory is the client's, whatever becomes of the core.
    let _ = (channel.try_send(&[0; 32]), channel.prepare_poll());
    let core = rig.start("echoes")?;
    said(channel.rebind())?;
    let words = [ECHO, 7, 8, 9];
    if ask(&mut channel, words)? != words {
        return Err("no echo after the restart".to_owned());
    }
    core.give_back()
}

/// That who waited was told as soon as there was something to tell.
pub fn at_once(begin: Instant) -> Outcome {
    let took = begin.elapsed();
    println!("note a client is told of its core's end after {took:?}");
    if took < AT_ONCE {
        Ok(())
    } else {
        Err(format!("told after {took:?}"))
    }
}

fn end_with(core: &Offloaded<'_>, order: u64) -> Result<State, String> {
    let device = open()?;
    let waiter = waiting(said(device.bind("echo"))?);
    let mut other = said(device.bind("echo"))?;
    let begin = Instant::now();
    said(other.send_msg(&[order, 0, 0, 0]))?;
    let (_, state) = woken(waiter)?;
    at_once(begin)?;
    core.wait(&[state])?;
    match device.bind("echo") {
        Err(Error::CoreGone { state: found }) if found == state => Ok(state),
        Err(error) => Err(format!("a core that is {state}: {error}")),
        Ok(_) => Err(format!("bound to a core that is {state}")),
    }
}

fn crashed(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let state = end_with(&core, CRASH)?;
    let message = core.crash()?;
    core.give_back()?;
    if state == State::Crashed && message.contains("as a client asked") {
        Ok(())
    } else {
        Err(format!("{state}: {message}"))
    }
}

fn ended(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let state = end_with(&core, STOP)?;
    core.give_back()?;
    if state == State::Offline {
        Ok(())
    } else {
        Err(format!("{state}"))
    }
}

/// Each page of the image's and, by the last channel, of the rings is used.
fn big(rig: &Rig) -> Outcome {
    let file = rig.image("big")?;
    let image = ImageFile::parse(&file).map_err(|error| error.to_string())?;
    let loaded: u64 = image.segments.iter().map(|segment| segment.bytes).sum();
    let megabytes = [image.shared_bytes >> 20, loaded >> 20];
    if megabytes.iter().sum::<u64>() < BIG_MIB {
        return Err(format!("{megabytes:?} MiB of shared memory, of image"));
    }
    let core = rig.start("big")?;
    core.wait_for_text("pages\n")?;
    let printed = core.console();
    let pages = ROOM_BYTES / PAGE_BYTES;
    if printed != format!("{pages} of {pages} pages\n") {
        return Err(printed);
    }
    let device = open()?;
    let channels = (0..CLIENTS).map(|_| said(device.bind("big")));
    let mut channels = channels.collect::<Result<Vec<_>, _>>()?;
    for (number, channel) in (1..).zip(&mut channels) {
        let batches = if number == CLIENTS { ROUND } else { 1 };
        (0..batches).try_for_each(|step| batch(channel, number as u64, step))?;
    }
    core.give_back()
}

/// Sends a batch of messages and waits for as many answers.
fn batch(channel: &mut Channel, number: u64, step: u64) -> Outcome {
    let words = [ECHO, number, step, number ^ step];
    let batch = vec![words; BATCH];
    let bytes: Vec<_> = batch.iter().map(zerocopy::IntoBytes::as_bytes).collect();
    let mut sent = 0;
    for _ in 0..BATCH {
        if sent < BATCH {
            sent += said(channel.send_batch(&bytes[sent..]))?;
        }
        let answer: [u64; 4] = said(channel.recv_msg(PATIENCE))?.ok_or("no answer")?;
        if answer != words {
            return Err(format!("{words:?} came back as {answer:?}"));
        }
    }
    Ok(())
}

fn sysfs(rig: &Rig) -> Outcome {
    let folder = format!("/sys/class/offsched/cpu{}", rig.cpu);
    let read = |name: &str| {
        fs::read_to_string(format!("{folder}/{name}"))
            .map(|text| text.trim_end().to_owned())
            .map_err(|error| format!("{name}: {error}"))
    };
    let soon = |wanted: &str| {
        let begin = Instant::now();
        loop {
            let state = read("state")?;
            if state == wanted {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("{state}, not {wanted}"));
            }
            thread::sleep(Duration::from_millis(1));
        }
    };
    let core = rig.start("echoes")?;
    soon("running")?;
    let mut channel = said(open()?.bind("echo"))?;
    let figures = [read("channels")?, read("channels_bound")?];
    let epoch = core
        .device
        .status()
        .map_err(|error| error.to_string())?
        .epoch;
    if figures != ["3", "1"] || read("epoch")? != epoch.to_string() {
        return Err(format!("{figures:?}, epoch {}", read("epoch")?));
    }
    said(channel.send_msg(&[CRASH, 0, 0, 0]))?;
    soon("crashed")?;
    core.give_back()?;
    soon("offline")
}
