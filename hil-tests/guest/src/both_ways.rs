//! Two threads on one channel: who writes and who reads do not touch each other's ring, and who does not wait is not
//! kept by one who does.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use offsched_drills::echo::ECHO;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, ReadWriteFlags, preadv2, pwritev2, read, write};
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::asking::in_time;
use crate::case::Case;
use crate::node::{bound, call, want};
use crate::rig::Rig;

const MESSAGES: u64 = 50_000;
/// Under way at a time: fewer than a ring takes, since answers without room are lost.
const UNDER_WAY: u64 = 64;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("one thread writes while another reads", both_ways),
        Case::new("who does not wait waits for no other reader", no_waiting),
    ]
}

/// Neither by the call's flag, nor by the handle's, which the one who waits did not have when it began.
fn no_waiting(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let handle = Arc::new(bound(OFlags::empty())?.0);
    let theirs = Arc::clone(&handle);
    let waiter = thread::spawn(move || read(&*theirs, &mut [0; 64]));
    thread::sleep(Duration::from_millis(100));
    let ours = Arc::clone(&handle);
    let (once, always) = in_time("a reader that does not wait", move || {
        let once = read_now(&ours);
        fcntl_setfl(&*ours, OFlags::NONBLOCK)?;
        Ok((once, read(&*ours, &mut [0; 64])))
    })?
    .map_err(|errno: Errno| format!("fcntl: {errno}"))?;
    want("with the call's flag", once, Errno::AGAIN)?;
    want("with the handle's flag", always, Errno::AGAIN)?;
    let words = [ECHO, 1, 2, 3];
    let sent = pwritev2(
        &*handle,
        &[IoSlice::new(words.as_bytes())],
        u64::MAX,
        ReadWriteFlags::NOWAIT,
    );
    call("pwritev2", sent)?;
    let got = waiter.join().map_err(|_| "the waiter panicked")?;
    core.give_back()?;
    call("read", got).map(|_| ())
}

/// As `read`, of one call that does not wait.
fn read_now(handle: &OwnedFd) -> Result<usize, Errno> {
    let mut buffer = [0; 64];
    let into = &mut [IoSliceMut::new(&mut buffer)];
    preadv2(handle, into, u64::MAX, ReadWriteFlags::NOWAIT)
}

fn both_ways(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::NONBLOCK)?;
    let (answered, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while number < MESSAGES && !over.load(Relaxed) {
                let words = [ECHO, number, !number, 0];
                if number < answered.load(Relaxed) + UNDER_WAY
                    && write(&handle, words.as_bytes()).is_ok()
                {
                    number += 1;
                } else {
                    thread::yield_now();
                }
            }
        });
        let outcome = answers(&handle, &answered);
        over.store(true, Relaxed);
        outcome
    });
    outcome?;
    core.give_back()
}

/// Each in its turn, whole.
fn answers(handle: &OwnedFd, answered: &AtomicU64) -> Outcome {
    let begin = std::time::Instant::now();
    for number in 0..MESSAGES {
        let mut words = [0_u64; 4];
        loop {
            match read(handle, words.as_mut_bytes()) {
                Err(Errno::AGAIN) if begin.elapsed().as_secs() < 60 => {
                    thread::yield_now();
                }
                other => break call("read", other.map(|_| ()))?,
            };
        }
        if words != [ECHO, number, !number, 0] {
            return Err(format!("message {number}: {words:x?}"));
        }
        answered.store(number + 1, Relaxed);
    }
    Ok(())
}
