//! One thread writes while another reads, on one channel: neither touches the other's ring.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;

use offsched_drills::echo::ECHO;
use rustix::fs::OFlags;
use rustix::io::{read, write};
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::case::Case;
use crate::node::{bound, call};
use crate::rig::Rig;

const MESSAGES: u64 = 50_000;
/// Under way at a time: fewer than a ring takes, since answers without room are lost.
const UNDER_WAY: u64 = 64;

pub fn cases() -> Vec<Case> {
    vec![Case::new(
        "one thread writes while another reads",
        both_ways,
    )]
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
fn answers(handle: &std::os::fd::OwnedFd, answered: &AtomicU64) -> Outcome {
    let begin = std::time::Instant::now();
    for number in 0..MESSAGES {
        let mut words = [0_u64; 4];
        loop {
            match read(handle, words.as_mut_bytes()) {
                Err(rustix::io::Errno::AGAIN) if begin.elapsed().as_secs() < 60 => {
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
