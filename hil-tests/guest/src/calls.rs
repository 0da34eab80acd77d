//! `read`, `write` and their kin, as one who knows Linux expects them; beside what `node.rs` has.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::thread::spawn;

use offsched_drills::echo::{BUSY, CRASH, ECHO};
use rustix::event::{PollFd, PollFlags, epoll, poll};
use rustix::fs::{
    FileType, OFlags, SeekFrom, Timespec, fcntl_getfl, fcntl_setfl, fstat, fsync, ftruncate, seek,
};
use rustix::io::{Errno, dup, pread, pwrite, read, readv, write, writev};
use rustix::mm::{MapFlags, ProtFlags};
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::case::Case;
use crate::node::{MESSAGE, bound, call, echo_once, request, want, words};
use crate::raw::{self, Mapping};
use crate::rig::Rig;

/// Messages of 40 bytes that fit a ring of 8 KiB, and some.
const MORE_THAN_FIT: u64 = 300;
const PATIENCE: Timespec = Timespec {
    tv_sec: 30,
    tv_nsec: 0,
};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("what kind of file the node is", kind),
        Case::new("buffers that are none keep the message", bad_buffers),
        Case::new("nothing to read or write", nothing),
        Case::new("a message in many pieces", pieces),
        Case::new("a descriptor and its double", doubles),
        Case::new("level-triggered epoll", levels),
        Case::new("an epoll that had the handle before it was bound", early),
        Case::new("room in a full ring", room),
    ]
}

fn kind(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::empty())?;
    let stat = call("fstat", fstat(&handle))?;
    let found = (
        FileType::from_raw_mode(stat.st_mode),
        stat.st_mode & 0o777,
        rustix::fs::major(stat.st_rdev),
    );
    if found != (FileType::CharacterDevice, 0o660, 10) {
        return Err(format!("fstat: {found:?}"));
    }
    for whence in [SeekFrom::Start(0), SeekFrom::Current(1), SeekFrom::End(0)] {
        want("lseek", seek(&handle, whence), Errno::SPIPE)?;
    }
    want("pread", pread(&handle, &mut [0; 64], 0), Errno::SPIPE)?;
    want("pwrite", pwrite(&handle, &[0; MESSAGE], 0), Errno::SPIPE)?;
    want("ftruncate", ftruncate(&handle, 0), Errno::INVAL)?;
    want("fsync", fsync(&handle), Errno::INVAL)?;
    want("ioctl", rustix::io::ioctl_fionread(&handle), Errno::NOTTY)?;
    let reader = call("open", raw::open(OFlags::RDONLY))?;
    want("write", write(&reader, &[0; MESSAGE]), Errno::BADF)?;
    let writer = call("open", raw::open(OFlags::WRONLY))?;
    want("read", read(&writer, &mut [0; 64]), Errno::BADF)?;
    // None of it was a message.
    echo_once(&handle, 1)?;
    core.give_back()
}

/// Waits until there is something to read.
fn readable(handle: &OwnedFd) -> Outcome {
    let mut fds = [PollFd::new(handle, PollFlags::IN)];
    match call("poll", poll(&mut fds, Some(&PATIENCE)))? {
        1 if fds[0].revents().contains(PollFlags::IN) => Ok(()),
        _ => Err(format!("not readable, but {:?}", fds[0].revents())),
    }
}

fn bad_buffers(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::empty())?;
    let zero = rustix::fs::open("/dev/zero", OFlags::RDONLY, rustix::fs::Mode::empty());
    let zero = call("open", zero)?;
    let none = Mapping::new(&zero, 0, 4096, ProtFlags::empty(), MapFlags::PRIVATE);
    let none = call("map", none)?;
    want("write", none.write_to(&handle, MESSAGE), Errno::FAULT)?;
    let sent = words(ECHO, 7);
    call("write", write(&handle, sent.as_bytes()))?;
    readable(&handle)?;
    want("read", none.read_from(&handle, &mut []), Errno::FAULT)?;
    // The first piece would do, the second is none.
    let mut front = [0; 8];
    want("readv", none.read_from(&handle, &mut front), Errno::FAULT)?;
    let mut got = [0_u64; 4];
    let len = call("read", read(&handle, got.as_mut_bytes()))?;
    core.give_back()?;
    if (len, got) == (MESSAGE, sent) {
        Ok(())
    } else {
        Err(format!("{len} bytes, {got:?}"))
    }
}

/// As with a datagram socket, to read nothing takes nothing; but a message that is too short for its type is none, and
/// its sender is told.
fn nothing(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::empty())?;
    let read_nothing = || call("read", read(&handle, &mut [0_u8; 0]));
    let before = read_nothing()?;
    call("write", write(&handle, words(ECHO, 1).as_bytes()))?;
    readable(&handle)?;
    let after = read_nothing()?;
    let len = call("read", read(&handle, &mut [0; 64]))?;
    for short in [0, 1, MESSAGE - 1] {
        want(
            "too short",
            write(&handle, &[0; MESSAGE][..short]),
            Errno::MSGSIZE,
        )?;
    }
    echo_once(&handle, 2)?;
    core.give_back()?;
    if (before, after, len) == (0, 0, MESSAGE) {
        Ok(())
    } else {
        Err(format!("{before}, {after}, {len}"))
    }
}

fn pieces(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::empty())?;
    let sent = words(ECHO, 0x0102_0304_0506_0708);
    let mut out: Vec<_> = sent.as_bytes().chunks(1).map(IoSlice::new).collect();
    out.insert(3, IoSlice::new(&[]));
    let wrote = call("writev", writev(&handle, &out))?;
    let mut got = [0_u8; MESSAGE + 8];
    let mut into: Vec<_> = got.chunks_mut(3).map(IoSliceMut::new).collect();
    let len = call("readv", readv(&handle, &mut into))?;
    if (wrote, len) != (MESSAGE, MESSAGE) || got[..MESSAGE] != *sent.as_bytes() {
        return Err(format!("wrote {wrote}, read {len}: {got:?}"));
    }
    // Together too long, or too short.
    out.push(IoSlice::new(&[0]));
    want("writev", writev(&handle, &out), Errno::MSGSIZE)?;
    call("write", write(&handle, sent.as_bytes()))?;
    readable(&handle)?;
    let mut into: Vec<_> = got[..MESSAGE - 1]
        .chunks_mut(3)
        .map(IoSliceMut::new)
        .collect();
    want("readv", readv(&handle, &mut into), Errno::MSGSIZE)?;
    let len = call("read", read(&handle, &mut got))?;
    core.give_back()?;
    if len == MESSAGE {
        Ok(())
    } else {
        Err(format!("{len} bytes"))
    }
}

/// Both are the channel, which lives as long as one of them, and share their flags.
fn doubles(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, bind) = bound(OFlags::empty())?;
    let double = call("dup", dup(&handle))?;
    call("fcntl", fcntl_setfl(&handle, OFlags::NONBLOCK))?;
    want("read", read(&double, &mut [0; 64]), Errno::AGAIN)?;
    let flags = call("fcntl", fcntl_getfl(&double))?;
    call("fcntl", fcntl_setfl(&double, OFlags::empty()))?;
    drop(handle);
    echo_once(&double, 1)?;
    drop(double);
    let (_, again) = bound(OFlags::empty())?;
    core.give_back()?;
    if flags.contains(OFlags::NONBLOCK) && again.channel == bind.channel {
        Ok(())
    } else {
        Err(format!("{flags:?}, channel {} again", again.channel))
    }
}

/// What epoll says of the handle, if it says anything in time.
fn event(epoll: &OwnedFd, patience: &Timespec) -> Result<epoll::EventFlags, String> {
    let none = epoll::EventFlags::empty();
    let data = epoll::EventData::new_u64(0);
    let mut events = [epoll::Event { flags: none, data }];
    let count = call("wait", epoll::wait(epoll, &mut events, Some(patience)))?;
    Ok(if count == 0 { none } else { events[0].flags })
}

fn watch(handle: &OwnedFd, flags: epoll::EventFlags) -> Result<OwnedFd, String> {
    let epoll = call("epoll", epoll::create(epoll::CreateFlags::CLOEXEC))?;
    let data = epoll::EventData::new_u64(1);
    call("add", epoll::add(&epoll, handle, data, flags))?;
    Ok(epoll)
}

/// As long as there is something, every wait says so; the core's end wakes who waits for nothing.
fn levels(rig: &Rig) -> Outcome {
    let now = Timespec::default();
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::NONBLOCK)?;
    let (other, _) = bound(OFlags::empty())?;
    let epoll = watch(&handle, epoll::EventFlags::IN)?;
    let mut found = vec![event(&epoll, &now)?];
    for number in 0..2 {
        call("write", write(&handle, words(ECHO, number).as_bytes()))?;
    }
    for _ in 0..2 {
        found.push(event(&epoll, &PATIENCE)?);
        found.push(event(&epoll, &now)?);
        call("read", read(&handle, &mut [0; 64]))?;
    }
    found.push(event(&epoll, &now)?);
    let nothing = watch(&handle, epoll::EventFlags::empty())?;
    let waiter = spawn(move || event(&nothing, &PATIENCE));
    call("write", write(&other, words(CRASH, 0).as_bytes()))?;
    found.push(waiter.join().map_err(|_| "the waiter panicked")??);
    core.give_back()?;
    let (none, mail) = (epoll::EventFlags::empty(), epoll::EventFlags::IN);
    let gone = epoll::EventFlags::HUP | epoll::EventFlags::ERR;
    if found == [none, mail, mail, mail, mail, none, gone] {
        Ok(())
    } else {
        Err(format!("{found:?}"))
    }
}

/// Event after event, until one has the flag.
fn until(epoll: &OwnedFd, flag: epoll::EventFlags) -> Outcome {
    loop {
        let found = event(epoll, &PATIENCE)?;
        if found.contains(flag) {
            return Ok(());
        }
        if found.is_empty() {
            return Err(format!("nothing tells of {flag:?}"));
        }
    }
}

/// It is told of the binding, of mail and of the end, level- and edge-triggered.
fn early(rig: &Rig) -> Outcome {
    use epoll::EventFlags as Flags;
    for trigger in [Flags::ET, Flags::empty()] {
        let core = rig.start("echoes")?;
        let handle = call("open", raw::open(OFlags::RDWR | OFlags::NONBLOCK))?;
        let epoll = watch(&handle, Flags::IN | Flags::OUT | trigger)?;
        let unbound = event(&epoll, &PATIENCE)?;
        let waiter = spawn(move || until(&epoll, Flags::OUT).map(|()| epoll));
        call("bind", raw::bind(&handle, &mut request()))?;
        let epoll = waiter.join().map_err(|_| "the waiter panicked")??;
        call("write", write(&handle, words(ECHO, 1).as_bytes()))?;
        until(&epoll, Flags::IN)?;
        call("read", read(&handle, &mut [0; 64]))?;
        call("write", write(&handle, words(CRASH, 0).as_bytes()))?;
        until(&epoll, Flags::HUP)?;
        core.give_back()?;
        if unbound != Flags::ERR {
            return Err(format!("unbound, and {unbound:?}"));
        }
    }
    Ok(())
}

/// Keeps the core busy and writes without waiting: true if the ring was full before the core was done. The handle does not
/// wait afterwards.
pub fn fill(handle: &OwnedFd, busy_ms: u64) -> Result<bool, String> {
    call("fcntl", fcntl_setfl(handle, OFlags::NONBLOCK))?;
    match write(handle, words(BUSY, busy_ms).as_bytes()) {
        Ok(MESSAGE) => {}
        other => return Err(format!("write: {other:?}")),
    }
    for number in 0..MORE_THAN_FIT {
        match write(handle, words(ECHO, number).as_bytes()) {
            Ok(MESSAGE) => {}
            Err(Errno::AGAIN) => return Ok(true),
            other => return Err(format!("write {number}: {other:?}")),
        }
    }
    Ok(false)
}

/// A full ring says EAGAIN; its room makes an edge, and lets a writer go on that waits. A core that is busy for too short a
/// time is tried with more.
fn room(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (mut edge, mut wait) = (false, false);
    for busy_ms in [50, 100, 200, 500, 1_000, 2_000] {
        edge = edge || edge_of_room(busy_ms)?;
        let (handle, _) = bound(OFlags::empty())?;
        if !wait && fill(&handle, busy_ms)? {
            call("fcntl", fcntl_setfl(&handle, OFlags::empty()))?;
            call("write", write(&handle, words(ECHO, 0).as_bytes()))?;
            wait = true;
        }
    }
    core.give_back()?;
    if edge && wait {
        Ok(())
    } else {
        Err(format!("no full ring: edge {edge}, wait {wait}"))
    }
}

/// True if the ring was full, and told of room.
fn edge_of_room(busy_ms: u64) -> Result<bool, String> {
    let (handle, _) = bound(OFlags::empty())?;
    let epoll = watch(&handle, epoll::EventFlags::OUT | epoll::EventFlags::ET)?;
    if !fill(&handle, busy_ms)? {
        return Ok(false);
    }
    // What was an edge before the ring was full is no news.
    event(&epoll, &Timespec::default())?;
    if write(&handle, words(ECHO, 0).as_bytes()) != Err(Errno::AGAIN) {
        return Ok(false);
    }
    match event(&epoll, &PATIENCE)? {
        epoll::EventFlags::OUT => Ok(true),
        other => Err(format!("there is room again, and epoll says {other:?}")),
    }
}
