//! Cores that start well and lie later: in their rings, by their doorbells, about their state.

use std::fs;
use std::mem::offset_of;
use std::os::fd::OwnedFd;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use offsched_abi::header::{BELL_OFFSET, RUNG_OFFSET, STATE_OFFSET, State};
use offsched_abi::region::ServiceEntry;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, Timespec};
use rustix::io::{Errno, read, write};

use crate::Outcome;
use crate::case::Case;
use crate::forged::{
    BEYOND, EPOCH, FIRST, FROM_CORE_DATA, FROM_CORE_HEAD, FROM_CORE_TAIL, Forged, OPEN, RING,
    TO_CORE_HEAD,
};
use crate::node::{bound_to as bound, call, map, want};
use crate::rig::{Offloaded, Rig};
use crate::script::Step;

/// Tries of what a busy host may spoil.
const LATE_TRIES: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(30);
/// A busy host runs an emulated core and Linux in turn, for minutes: then a storm is a breeze, and is not minded.
const STORM_PATIENCE: Duration = Duration::from_secs(240);

/// What a core says of its ring: an index word, and the length of the message it points to.
const POINTS: [(&str, u64, u64); 3] = [
    ("beyond the ring", EPOCH | BEYOND, 8),
    ("to a message longer than the ring", EPOCH | 10, u64::MAX),
    ("to a message longer than what is there", EPOCH | 10, 80),
];

pub fn cases() -> Vec<Case> {
    let wrong = POINTS.map(|(name, tail, len)| {
        Case::new(format!("a core points {name}"), move |rig| {
            points(rig, &Forged::new(), tail, len)
        })
    });
    let mut all = Vec::from(wrong);
    all.extend([
        Case::new("a core points to a part of a message", |rig| {
            let mut region = Forged::new();
            let entry = region.service(0);
            // Three words each, without headers, since their type is stated.
            region.set(entry + offset_of!(ServiceEntry, tx_size), 24);
            region.set(entry + offset_of!(ServiceEntry, tx_type), 1);
            points(rig, &region, EPOCH | 2, 24)
        }),
        Case::new("a core takes what was not sent", takes),
        Case::new("a core that keeps lying blocks nobody", keeps_lying),
        Case::new("a core rings for channels that are none", rings_wild),
        Case::new("a core in no state", no_state),
        Case::new("a core rings without end", |rig| storm(rig, &[])),
        Case::new("a core rings a client without end", |rig| {
            storm(rig, &[Step::Store(Forged::address(RUNG_OFFSET), 1)])
        }),
        Case::new("a core rings too often, and heeds", heeds),
        Case::new("a message to a client that is gone", late),
    ]);
    all
}

/// A read that the core's lie must end.
fn read_in_time(
    handle: OwnedFd,
    patience: Duration,
) -> Result<(OwnedFd, Result<usize, Errno>), String> {
    let (sender, result) = channel();
    thread::spawn(move || {
        let read = read(&handle, &mut [0; RING]);
        // Nobody waits any more.
        let _ = sender.send((handle, read));
    });
    result
        .recv_timeout(patience)
        .map_err(|_| "the read waits for ever".to_owned())
}

/// Once bound, the reader of the first channel is told that it is damaged, and nobody else.
fn points(rig: &Rig, region: &Forged, tail: u64, len: u64) -> Outcome {
    let at = region.channel(0);
    let steps = [
        Step::Wait32(region.word(0), OPEN),
        Step::Store(at + FROM_CORE_DATA, len),
        Step::Store(at + FROM_CORE_TAIL, tail),
        Step::Store(Forged::address(RUNG_OFFSET), 1),
        Step::Ring,
    ];
    let core = region.start(rig, &steps)?;
    let (first, _) = bound("one", OFlags::empty())?;
    let (other, _) = bound("one", OFlags::NONBLOCK)?;
    let (first, result) = read_in_time(first, PATIENCE)?;
    want("a damaged ring", result, Errno::BADMSG)?;
    want("again", read(&first, &mut [0; 64]), Errno::BADMSG)?;
    want("its neighbour", read(&other, &mut [0; 64]), Errno::AGAIN)?;
    drop(first);
    // Its next client has a ring as good as new.
    let (next, bind) = bound("one", OFlags::NONBLOCK)?;
    want("the next client", read(&next, &mut [0; 64]), Errno::AGAIN)?;
    if (bind.channel, bind.channel_epoch) != (0, 2) {
        return Err(format!(
            "channel {}, epoch {}",
            bind.channel, bind.channel_epoch
        ));
    }
    core.give_back()
}

fn takes(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let steps = [
        Step::Wait32(region.word(0), OPEN),
        Step::Store(region.channel(0) + TO_CORE_HEAD, EPOCH | BEYOND),
    ];
    let core = region.start(rig, &steps)?;
    let (handle, _) = bound("one", OFlags::NONBLOCK)?;
    let begin = Instant::now();
    let result = loop {
        match write(&handle, &[0; 1000]) {
            Ok(_) | Err(Errno::AGAIN) if begin.elapsed() < PATIENCE => {}
            result => break result,
        }
    };
    want("room that is none", result, Errno::BADMSG)?;
    want("again", write(&handle, &[0; 8]), Errno::BADMSG)?;
    core.give_back()
}

/// Shared words that contradict what the reader knows: it sleeps, and can be ended.
fn keeps_lying(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let at = region.channel(0);
    // Its own head, which the reader has at 0: by the shared words alone there is mail, for ever.
    let steps = [
        Step::Wait32(region.word(0), OPEN),
        Step::Store(at + FROM_CORE_HEAD, EPOCH | 7),
    ];
    let core = region.start(rig, &steps)?;
    let (handle, _) = bound("one", OFlags::empty())?;
    let mut fds = [PollFd::new(&handle, PollFlags::IN)];
    let patience = Timespec {
        tv_sec: 30,
        tv_nsec: 0,
    };
    if call("poll", poll(&mut fds, Some(&patience)))? != 1 {
        return Err("the lie does not show".to_owned());
    }
    let reader = thread::spawn(move || {
        let before = cpu_time();
        let result = read(&handle, &mut [0; 64]);
        (result, cpu_time().saturating_sub(before))
    });
    thread::sleep(Duration::from_secs(1));
    core.give_back()?;
    let (result, spent) = reader.join().map_err(|_| "the reader panicked")?;
    want("a reader of nothing", result, Errno::IO)?;
    // It slept through a second and more; of spinning it would have most of that.
    if spent < Duration::from_millis(300) {
        Ok(())
    } else {
        Err(format!("the reader has used {spent:?} to wait"))
    }
}

/// Time that this thread has run.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The sender and the reader of a poll that must not be woken into anything.
fn rings_wild(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let mut steps = vec![Step::Wait32(region.word(0), OPEN)];
    for word in 0..16 {
        steps.push(Step::Store(
            Forged::address(RUNG_OFFSET) + 8 * word,
            u64::MAX,
        ));
    }
    steps.extend([
        Step::Ring,
        Step::Wait32(Forged::address(RUNG_OFFSET), 0),
        Step::Store32(Forged::address(FREE_WORD), 1),
    ]);
    let core = region.start(rig, &steps)?;
    let (handle, _) = bound("one", OFlags::NONBLOCK)?;
    reaches(&core, FREE_WORD, 1)?;
    want("nothing", read(&handle, &mut [0; 64]), Errno::AGAIN)?;
    let state = core.state()?;
    // What there are channels for is heard as a whole; nobody looks at the rest.
    let (first, second) = (word(&core, RUNG_OFFSET)?, word(&core, RUNG_OFFSET + 8)?);
    if (first, second) != (0, !0) {
        return Err(format!("rung: {first:#x}, {second:#x}"));
    }
    core.give_back()?;
    if state == State::Running {
        Ok(())
    } else {
        Err(format!("{state}"))
    }
}

/// A word in the header page that nobody uses.
const FREE_WORD: usize = 4088;

/// 4 bytes of what the core publishes.
fn word(core: &Offloaded<'_>, at: usize) -> Result<u32, String> {
    let region = core.mapping()?;
    let bytes = [0, 1, 2, 3].map(|byte| region.byte(at + byte));
    Ok(u32::from_le_bytes(bytes))
}

fn reaches(core: &Offloaded<'_>, at: usize, value: u32) -> Outcome {
    let begin = Instant::now();
    while word(core, at)? != value {
        if begin.elapsed() > PATIENCE {
            return Err("the script does not go on".to_owned());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn sysfs(rig: &Rig, name: &str) -> Result<String, String> {
    let path = format!("/sys/class/offsched/cpu{}/{name}", rig.cpu);
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.trim_end().to_owned())
}

fn wait_for_sysfs(rig: &Rig, name: &str, good: impl Fn(&str) -> bool) -> Outcome {
    let begin = Instant::now();
    loop {
        let text = sysfs(rig, name)?;
        if good(&text) {
            return Ok(());
        }
        if begin.elapsed() > STORM_PATIENCE {
            return Err(format!("{name} is {text}"));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whatever a core says that is not known counts as a crash.
fn no_state(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let steps = [
        Step::Wait32(region.word(0), OPEN),
        Step::Store32(Forged::address(STATE_OFFSET), 77),
        Step::Ring,
    ];
    let core = region.start(rig, &steps)?;
    let (handle, _) = bound("one", OFlags::empty())?;
    let (handle, result) = read_in_time(handle, PATIENCE)?;
    want("a reader", result, Errno::IO)?;
    want("a writer", write(&handle, &[0; 8]), Errno::IO)?;
    wait_for_sysfs(rig, "state", |state| state == "crashed")?;
    core.give_back()
}

/// It does not stop when it is told: it is parked, and Linux goes on.
fn storm(rig: &Rig, first: &[Step]) -> Outcome {
    let region = Forged::new();
    let mut steps = vec![Step::Wait32(region.word(0), OPEN)];
    steps.extend(first);
    steps.extend([Step::RingAnyway, Step::Goto(FIRST + 1)]);
    let core = region.start(rig, &steps)?;
    let (handle, _) = bound("one", OFlags::empty())?;
    let (_, result) = read_in_time(handle, STORM_PATIENCE)?;
    want("a client", result, Errno::IO)?;
    wait_for_sysfs(rig, "state", |state| state == "crashed")?;
    // Told it was; once, unless the host stopped it for long in the middle.
    wait_for_sysfs(rig, "floods", |floods| floods != "0")?;
    let (state, message) = (core.state()?, core.crash()?);
    core.give_back()?;
    if state == State::Crashed && message.contains("without end") {
        Ok(())
    } else {
        Err(format!("{state}: {message}"))
    }
}

/// It rings whenever it may: told to be quiet, again and again, and no worse.
fn heeds(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let steps = [
        Step::Wait32(region.word(0), OPEN),
        Step::Ring,
        Step::Goto(FIRST + 1),
    ];
    let core = region.start(rig, &steps)?;
    let (handle, _) = bound("one", OFlags::NONBLOCK)?;
    wait_for_sysfs(rig, "floods", |floods| {
        floods.parse().is_ok_and(|floods: u64| floods > 3)
    })?;
    want("a client", read(&handle, &mut [0; 64]), Errno::AGAIN)?;
    let state = core.state()?;
    core.give_back()?;
    if state == State::Running {
        Ok(())
    } else {
        Err(format!("{state}"))
    }
}

/// What a job writes that had begun before its client went does not reach the next one. Not for ever is the core waited
/// for, so one that the host keeps from running for that long is tried again.
fn late(rig: &Rig) -> Outcome {
    let mut outcome = Ok(());
    for _ in 0..LATE_TRIES {
        outcome = late_once(rig);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn late_once(rig: &Rig) -> Outcome {
    let region = Forged::new();
    let last = region.channel(0) + FROM_CORE_DATA + RING as u64 - 8;
    let bell = Forged::address(BELL_OFFSET);
    let (hears, clears) = (Step::Wait32(bell, 1), Step::Store32(bell, 0));
    let steps = [
        Step::Wait32(region.word(0), OPEN),
        hears,
        clears,
        Step::Store(last, 0x5a5a),
        Step::WaitNot32(region.word(0), OPEN),
        hears,
        clears,
        // The job goes on until the next client waits for it, and only then is the core idle.
        hears,
        Step::Store(last, 0x5a5a),
        Step::Time(region.heartbeat()),
        Step::Store32(Forged::address(FREE_WORD), 1),
    ];
    let core = region.start(rig, &steps)?;
    let (handle, bind) = bound("one", OFlags::empty())?;
    let mapping = call("map", map(&handle, &bind))?;
    let at = bind.bytes as usize - 8;
    let begin = Instant::now();
    while mapping.byte(at) != 0x5a {
        if begin.elapsed() > PATIENCE {
            return Err("the first client sees nothing of its own".to_owned());
        }
    }
    drop((mapping, handle));
    let (next, bind) = bound("one", OFlags::empty())?;
    let mapping = call("map", map(&next, &bind))?;
    reaches(&core, FREE_WORD, 1)?;
    let found = mapping.byte(at);
    core.give_back()?;
    if (bind.channel, found) == (0, 0) {
        Ok(())
    } else {
        Err(format!("channel {} has {found:#x}", bind.channel))
    }
}
