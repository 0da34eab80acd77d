//! The node by its plain calls: what it refuses, and messages by `read` and `write`.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use offsched_abi::node::{BIND_WAIT, Bind, call};
use offsched_abi::region::name_bytes;
use offsched_drills::echo::{CRASH, ECHO};
use rustix::event::{PollFd, PollFlags, epoll, poll};
use rustix::fs::{OFlags, Timespec};
use rustix::io::{Errno, read, readv, write, writev};
use rustix::mm::{MapFlags, ProtFlags};
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::case::Case;
use crate::channels::at_once;
use crate::raw::{self, Mapping};
use crate::rig::Rig;

/// Scenario of a child that touches what is not its any more.
pub const TOUCH: &str = "touch";

const SIGBUS: i32 = 7;
const PAGE: usize = 4096;
const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);
/// Bytes of the echo's messages.
pub const MESSAGE: usize = 32;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("bindings that are refused", bindings),
        Case::new("mappings that are refused", mappings),
        Case::new("a closed channel is out of reach", revoked),
        Case::new("messages by read and write", messages),
        Case::new("a reader waits, and is told of the end", blocking),
        Case::new("poll tells what there is", polled),
        Case::new("who waits for a channel gets it", waits),
        Case::new("edge-triggered epoll", edges),
    ]
}

/// That a call fails in this way.
pub fn want<T: std::fmt::Debug>(what: &str, result: Result<T, Errno>, errno: Errno) -> Outcome {
    match result {
        Err(found) if found == errno => Ok(()),
        other => Err(format!("{what}: {other:?}, not {errno}")),
    }
}

/// As `Outcome` wants it.
pub fn call<T>(what: &str, result: Result<T, Errno>) -> Result<T, String> {
    result.map_err(|errno| format!("{what}: {errno}"))
}

/// To bind the echo.
pub fn request() -> Bind {
    Bind::new(name_bytes("echo").unwrap_or_default())
}

/// A handle with a channel of the echo.
pub fn bound(flags: OFlags) -> Result<(OwnedFd, Bind), String> {
    bound_to("echo", flags)
}

/// A handle with a channel of a service.
pub fn bound_to(service: &str, flags: OFlags) -> Result<(OwnedFd, Bind), String> {
    let handle = call("open", raw::open(OFlags::RDWR | flags))?;
    let mut bind = Bind::new(name_bytes(service).unwrap_or_default());
    call("bind", raw::bind(&handle, &mut bind))?;
    Ok((handle, bind))
}

pub fn map(handle: &OwnedFd, bind: &Bind) -> Result<Mapping, Errno> {
    let bytes = bind.bytes as usize;
    Mapping::new(handle, bind.offset, bytes, READ_WRITE, MapFlags::SHARED)
}

fn bindings(rig: &Rig) -> Outcome {
    let handle = call("open", raw::open(OFlags::RDWR))?;
    call("attach", raw::attach(&handle, rig.cpu))?;
    want("no core", raw::bind(&handle, &mut request()), Errno::NODEV)?;
    let core = rig.start("echoes")?;
    want("not bound", raw::ring(&handle), Errno::NOTCONN)?;
    want("not bound", read(&handle, &mut [0; 64]), Errno::NOTCONN)?;
    let mut bind = request();
    bind.layout_hash ^= 1;
    want("layout", raw::bind(&handle, &mut bind), Errno::PROTO)?;
    if bind.layout_hash != request().layout_hash {
        return Err("the image's layout was not told".to_owned());
    }
    let mut bind = request();
    bind.abi_version += 1;
    want("version", raw::bind(&handle, &mut bind), Errno::PROTO)?;
    let mut bind = request();
    bind.flags = 2;
    want("flags", raw::bind(&handle, &mut bind), Errno::INVAL)?;
    let mut bind = request();
    bind.name[4] = b'o';
    want("name", raw::bind(&handle, &mut bind), Errno::NOENT)?;
    let reader = call("open", raw::open(OFlags::RDONLY))?;
    want("reader", raw::bind(&reader, &mut request()), Errno::BADF)?;
    call("bind", raw::bind(&handle, &mut request()))?;
    want("twice", raw::bind(&handle, &mut request()), Errno::ISCONN)?;
    want("CPU", raw::attach(&handle, 4096), Errno::INVAL)?;
    let any = call("any CPU", raw::attach(&reader, call::ANY_CPU))?;
    core.give_back()?;
    if any == rig.cpu {
        Ok(())
    } else {
        Err(format!("CPU {any} is the one that runs"))
    }
}

fn mappings(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (one, first) = bound(OFlags::empty())?;
    let (two, second) = bound(OFlags::empty())?;
    if first.offset == second.offset {
        return Err("two channels at one place".to_owned());
    }
    let shared = MapFlags::SHARED;
    let bytes = first.bytes as usize;
    let with = |handle: &OwnedFd, offset, bytes, access, flags| {
        Mapping::new(handle, offset, bytes, access, flags)
    };
    let at = first.offset;
    let refused: [(&str, Result<Mapping, Errno>, Errno); 8] = [
        (
            "another's",
            with(&two, at, bytes, READ_WRITE, shared),
            Errno::INVAL,
        ),
        (
            "beyond",
            with(&one, at, bytes + PAGE, READ_WRITE, shared),
            Errno::INVAL,
        ),
        (
            "less",
            with(&one, at, PAGE, READ_WRITE, shared),
            Errno::INVAL,
        ),
        (
            "below",
            with(&one, at - PAGE as u64, bytes, READ_WRITE, shared),
            Errno::INVAL,
        ),
        (
            "private",
            with(&one, at, bytes, READ_WRITE, MapFlags::PRIVATE),
            Errno::ACCESS,
        ),
        (
            "code",
            with(&one, at, bytes, READ_WRITE | ProtFlags::EXEC, shared),
            Errno::ACCESS,
        ),
        (
            "region, writable",
            with(&one, 0, PAGE, READ_WRITE, shared),
            Errno::ACCESS,
        ),
        (
            "region, by a writer",
            with(&one, 0, PAGE, ProtFlags::READ, shared),
            Errno::ACCESS,
        ),
    ];
    for (what, result, errno) in refused {
        want(what, result, errno)?;
    }
    let reader = call("open", raw::open(OFlags::RDONLY))?;
    call("attach", raw::attach(&reader, rig.cpu))?;
    let public = call("status", raw::status(&reader))?.public_bytes as usize;
    let region = call("region", with(&reader, 0, public, ProtFlags::READ, shared))?;
    if region.byte(0) != b'o' {
        return Err("the region is none".to_owned());
    }
    want("to write", region.make_writable(), Errno::ACCESS)?;
    let all = with(&reader, 0, public + PAGE, ProtFlags::READ, shared);
    want("beyond what is public", all, Errno::INVAL)?;
    let foreign = with(&reader, at, bytes, ProtFlags::READ, shared);
    want("a channel, unbound", foreign, Errno::INVAL)?;
    core.give_back()
}

/// In a process of its own: touches a channel that it has closed, and ends by that.
pub fn touch() -> ExitCode {
    let touched = bound(OFlags::empty()).and_then(|(handle, bind)| {
        let mapping = call("map", map(&handle, &bind))?;
        mapping.set_byte(0, 0);
        drop(handle);
        mapping.set_byte(0, 0);
        Err::<(), _>("touched a closed channel".to_owned())
    });
    println!("{touched:?}");
    ExitCode::FAILURE
}

/// After the close nobody reaches the channel: not by its pages in a pipe, not by an old mapping.
fn revoked(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, bind) = bound(OFlags::empty())?;
    let mapping = call("map", map(&handle, &bind))?;
    want(
        "read of a mapped one",
        read(&handle, &mut [0; 64]),
        Errno::BUSY,
    )?;
    let last = bind.bytes as usize - 1;
    mapping.set_byte(last, 0x5a);
    let (_end, pipe) = call("pipe", rustix::pipe::pipe())?;
    want(
        "its pages in a pipe",
        mapping.splice_into(&pipe),
        Errno::FAULT,
    )?;
    drop(handle);
    // The mapping keeps the file, and yet the channel is free, and clean.
    let (next, again) = bound(OFlags::empty())?;
    if again.channel != bind.channel {
        return Err(format!("channel {} after {}", again.channel, bind.channel));
    }
    let fresh = call("map", map(&next, &again))?;
    if fresh.byte(last) != 0 {
        return Err("the next client sees the last one's bytes".to_owned());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let child = Command::new(program).args([".", TOUCH]).output();
    let child = child.map_err(|error| format!("a child: {error}"))?;
    if child.status.signal() != Some(SIGBUS) {
        return Err(format!(
            "the child ended with {}: {}",
            child.status,
            String::from_utf8_lossy(&child.stdout)
        ));
    }
    core.give_back()
}

/// A message of the echo.
pub fn words(kind: u64, number: u64) -> [u64; 4] {
    [kind, number, !number, 1]
}

/// There and back.
pub fn echo_once(handle: &OwnedFd, number: u64) -> Outcome {
    let sent = words(ECHO, number);
    let mut got = [0_u64; 4];
    let wrote = call("write", write(handle, sent.as_bytes()))?;
    let len = call("read", read(handle, got.as_mut_bytes()))?;
    if (wrote, len, got) == (MESSAGE, MESSAGE, sent) {
        Ok(())
    } else {
        Err(format!("wrote {wrote}, read {len}: {got:?}"))
    }
}

fn messages(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, bind) = bound(OFlags::empty())?;
    for number in 0..300 {
        echo_once(&handle, number)?;
    }
    want("mapped after calls", map(&handle, &bind), Errno::BUSY)?;
    want(
        "too long",
        write(&handle, &[0; MESSAGE + 1]),
        Errno::MSGSIZE,
    )?;
    // A message in pieces is one message; a short buffer leaves it where it is.
    let sent = words(ECHO, 300);
    let (front, back) = sent.as_bytes().split_at(5);
    call(
        "writev",
        writev(&handle, &[IoSlice::new(front), IoSlice::new(back)]),
    )?;
    let mut fds = [PollFd::new(&handle, PollFlags::IN)];
    call("poll", poll(&mut fds, None))?;
    want(
        "too short",
        read(&handle, &mut [0; MESSAGE - 1]),
        Errno::MSGSIZE,
    )?;
    let mut got = [0_u64; 5];
    let (front, back) = got.as_mut_bytes().split_at_mut(17);
    let pieces = &mut [IoSliceMut::new(front), IoSliceMut::new(back)];
    let len = call("readv", readv(&handle, pieces))?;
    if len != MESSAGE || got[..4] != sent {
        return Err(format!("in pieces: {len} bytes, {got:?}"));
    }
    let (handle, _) = bound(OFlags::NONBLOCK)?;
    want("nothing", read(&handle, &mut [0; 64]), Errno::AGAIN)?;
    // The echo answers while there is room for answers, and takes in all the same: what fills is the way back.
    let mut sent = 0_u64;
    while sent < 2_000 {
        match write(&handle, words(ECHO, sent).as_bytes()) {
            Ok(MESSAGE) => sent += 1,
            Err(Errno::AGAIN) => std::thread::sleep(Duration::from_millis(1)),
            other => return Err(format!("write {sent}: {other:?}")),
        }
    }
    let mut numbers = Vec::new();
    let mut got = [0_u64; 4];
    while read(&handle, got.as_mut_bytes()) == Ok(MESSAGE) {
        if got != words(ECHO, got[1]) {
            return Err(format!("damaged: {got:?}"));
        }
        numbers.push(got[1]);
    }
    core.give_back()?;
    // A ring of 8 KiB has room for 204 messages of 40 bytes. What came later went into the room that reading made.
    let first: Vec<_> = numbers.iter().copied().take(204).collect();
    let rising = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    if first == Vec::from_iter(0..204) && rising && numbers.len() < 2_000 {
        Ok(())
    } else {
        Err(format!("{numbers:?} of answers that fill a ring"))
    }
}

fn blocking(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (waiter, _) = bound(OFlags::empty())?;
    let (other, _) = bound(OFlags::empty())?;
    let reader = std::thread::spawn(move || {
        let result = read(&waiter, &mut [0; 64]);
        (waiter, result)
    });
    std::thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    call("write", write(&other, words(CRASH, 0).as_bytes()))?;
    let (waiter, result) = reader.join().map_err(|_| "the reader panicked")?;
    at_once(begin)?;
    want("a waiting reader", result, Errno::IO)?;
    want("read", read(&waiter, &mut [0; 64]), Errno::IO)?;
    want("write", write(&waiter, &[0; MESSAGE]), Errno::IO)?;
    want("ring", raw::ring(&waiter), Errno::IO)?;
    core.give_back()
}

fn ready(handle: &OwnedFd, patience: &Timespec) -> Result<PollFlags, String> {
    let mut fds = [PollFd::new(handle, PollFlags::IN | PollFlags::OUT)];
    call("poll", poll(&mut fds, Some(patience)))?;
    Ok(fds[0].revents())
}

fn polled(rig: &Rig) -> Outcome {
    let now = Timespec::default();
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::empty())?;
    let mut found = vec![ready(&handle, &now)?];
    call("write", write(&handle, words(ECHO, 1).as_bytes()))?;
    let mut fds = [PollFd::new(&handle, PollFlags::IN)];
    call("poll", poll(&mut fds, None))?;
    found.push(ready(&handle, &now)?);
    call("read", read(&handle, &mut [0; 64]))?;
    found.push(ready(&handle, &now)?);
    core.give_back()?;
    found.push(ready(&handle, &now)?);
    let gone = PollFlags::HUP | PollFlags::ERR;
    let wanted = [
        PollFlags::OUT,
        PollFlags::IN | PollFlags::OUT,
        PollFlags::OUT,
        gone,
    ];
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{found:?}"))
    }
}

fn waits(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(bound(OFlags::empty())?.0);
    }
    let waiter = std::thread::spawn(|| {
        let handle = call("open", raw::open(OFlags::RDWR))?;
        let mut bind = request();
        want("taken", raw::bind(&handle, &mut bind), Errno::BUSY)?;
        let mut bind = request();
        bind.flags = BIND_WAIT;
        call("bind", raw::bind(&handle, &mut bind))?;
        echo_once(&handle, 1)?;
        Ok::<_, String>(bind.channel)
    });
    std::thread::sleep(Duration::from_millis(100));
    all.remove(1);
    let channel = waiter.join().map_err(|_| "the waiter panicked")??;
    core.give_back()?;
    if channel == 1 {
        Ok(())
    } else {
        Err(format!("got channel {channel}"))
    }
}

/// Each message makes an edge, read or not.
fn edges(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::NONBLOCK)?;
    let epoll = call("epoll", epoll::create(epoll::CreateFlags::CLOEXEC))?;
    let (data, flags) = (
        epoll::EventData::new_u64(1),
        epoll::EventFlags::ET | epoll::EventFlags::IN,
    );
    call("add", epoll::add(&epoll, &handle, data, flags))?;
    for number in 0..50 {
        call("write", write(&handle, words(ECHO, number).as_bytes()))?;
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data,
        }];
        let patience = Timespec {
            tv_sec: 30,
            tv_nsec: 0,
        };
        if call("wait", epoll::wait(&epoll, &mut events, Some(&patience)))? != 1 {
            return Err(format!("no edge for message {number}"));
        }
        // Every second one stays for the next time.
        if number % 2 == 1 {
            call("read", read(&handle, &mut [0; 64]))?;
            call("read", read(&handle, &mut [0; 64]))?;
            want("nothing more", read(&handle, &mut [0; 64]), Errno::AGAIN)?;
        }
    }
    core.give_back()
}
