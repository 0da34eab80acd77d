//! Signals that come while a call waits: EINTR, or the call goes on, as the program has asked for.
#![allow(unsafe_code)]

use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use libc::{SA_RESTART, SIGUSR1, c_int};
use offsched_abi::node::BIND_WAIT;
use offsched_drills::echo::{BUSY, ECHO};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, read, write};
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::calls::fill;
use crate::case::Case;
use crate::node::{MESSAGE, bound, call, request, want, words};
use crate::raw;
use crate::rig::Rig;

/// Between two signals.
const PAUSE: Duration = Duration::from_millis(2);
/// Signals after which a call that waits has surely had one.
const ENOUGH: u32 = 20;
const FAR_TOO_MANY: u32 = 5_000;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a signal ends a call that waits", interrupted),
        Case::new("a call goes on after a signal with SA_RESTART", restarted),
    ]
}

static COUNT: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: c_int) {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

/// From here on the signal is counted; calls that it meets end, or go on.
fn handle(flags: c_int) {
    let handler: extern "C" fn(c_int) = count;
    // SAFETY: all zeros are an action without flags and mask; the handler does nothing but count.
    let set = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = flags;
        libc::sigaction(SIGUSR1, &raw const action, std::ptr::null_mut())
    };
    assert_eq!(set, 0, "a signal that cannot be handled");
}

/// A call that waits, in a thread that gets signals until it has ended or had enough of them.
fn under_signals<T: Send + 'static>(
    enough: u32,
    waits: impl FnOnce() -> Result<T, Errno> + Send + 'static,
) -> JoinHandle<Result<T, Errno>> {
    COUNT.store(0, Ordering::Relaxed);
    let thread = spawn(waits);
    while !thread.is_finished() && COUNT.load(Ordering::Relaxed) < enough {
        sleep(PAUSE);
        // SAFETY: a thread that is joined later, so its id is its own.
        unsafe { libc::pthread_kill(thread.as_pthread_t(), SIGUSR1) };
    }
    thread
}

/// How a call ends that waits and gets signals.
fn ended<T: Send + 'static>(
    waits: impl FnOnce() -> Result<T, Errno> + Send + 'static,
) -> Result<Result<T, Errno>, String> {
    let thread = under_signals(FAR_TOO_MANY, waits);
    if thread.is_finished() {
        join(thread)
    } else {
        Err(format!("a call waits on after {FAR_TOO_MANY} signals"))
    }
}

fn join<T>(thread: JoinHandle<T>) -> Result<T, String> {
    thread.join().map_err(|_| "a thread panicked".to_owned())
}

fn interrupted(rig: &Rig) -> Outcome {
    handle(0);
    let core = rig.start("echoes")?;
    let (one, _) = bound(OFlags::empty())?;
    let one = Arc::new(one);
    let reader = Arc::clone(&one);
    let result = ended(move || read(&*reader, &mut [0; MESSAGE]));
    want("a reader", result?, Errno::INTR)?;
    let poller = Arc::clone(&one);
    let result = ended(move || poll(&mut [PollFd::new(&*poller, PollFlags::IN)], None));
    want("poll", result?, Errno::INTR)?;
    let others = [bound(OFlags::empty())?, bound(OFlags::empty())?];
    let fourth = call("open", raw::open(OFlags::RDWR))?;
    let result = ended(move || {
        let mut bind = request();
        bind.flags = BIND_WAIT;
        raw::bind(&fourth, &mut bind)
    });
    want("who waits for a channel", result?, Errno::INTR)?;
    drop(others);
    writer()?;
    core.give_back()
}

/// A writer waits for as long as the core is busy, which is tried with more and more time.
fn writer() -> Outcome {
    for busy_ms in [100, 500, 2_000] {
        let (handle, _) = bound(OFlags::empty())?;
        if !fill(&handle, busy_ms)? {
            continue;
        }
        call("fcntl", fcntl_setfl(&handle, OFlags::empty()))?;
        let result = ended(move || write(&handle, words(ECHO, 0).as_bytes()));
        match result? {
            Err(Errno::INTR) => return Ok(()),
            // The core was done before.
            Ok(MESSAGE) => {}
            other => return Err(format!("a writer: {other:?}")),
        }
    }
    Err("no writer had to wait".to_owned())
}

fn restarted(rig: &Rig) -> Outcome {
    handle(SA_RESTART);
    let core = rig.start("echoes")?;
    let (handle, _) = bound(OFlags::empty())?;
    let handle = Arc::new(handle);
    let reader = Arc::clone(&handle);
    let waiting = under_signals(ENOUGH, move || read(&*reader, &mut [0; MESSAGE]));
    if waiting.is_finished() {
        return Err(format!("a reader ended: {:?}", join(waiting)?));
    }
    call("write", write(&*handle, words(BUSY, 0).as_bytes()))?;
    let got = join(waiting)?;
    core.give_back()?;
    let came = COUNT.load(Ordering::Relaxed);
    if got == Ok(MESSAGE) && came >= ENOUGH {
        Ok(())
    } else {
        Err(format!("a reader got {got:?} after {came} signals"))
    }
}
