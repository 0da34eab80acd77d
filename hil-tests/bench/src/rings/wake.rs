//! How long a reader that sleeps in the kernel takes to wake, from before it is woken to the first instruction behind
//! its call, beside the kernel's own means.
//!
//! The waker runs on the core's CPU and wakes the reader [`ASLEEP_US`] after it was asked to: by then it sleeps.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use io_uring::{IoUring, opcode, types::Fd};
use offsched_client::{Channel, Error};
use rustix::event::{EventfdFlags, eventfd};
use rustix::pipe::pipe;

use super::trip::with_core;
use super::{Pair, far};
use crate::clock::{now, ordered};
use crate::series::{BATCH, Book, Timing};

/// From the question to the waking, us: long enough for the reader to fall asleep.
const ASLEEP_US: u64 = 50;
/// Batches of samples in a round: each sample takes long.
const BATCHES: usize = 4;
/// Longest wait for what comes at once.
const LONG: Duration = Duration::from_secs(10);

/// Answers, a while later, with the counter as it stood just before.
#[offsched::app]
pub mod app {
    use super::ASLEEP_US;
    use crate::clock::ordered;
    use offsched::{Channel, ClientId, Mail, Mutex as _};

    #[channels]
    struct Channels {
        #[channel(clients = 1, ring = 4096)]
        wake: Channel<u64, u64>,
    }

    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, channel = wake)]
    fn ask(mut cx: ask::Context) {
        if let Some(Mail::Message(from, _)) = cx.channels.wake.lock(Channel::recv) {
            let at = cx.clock.now() + offsched::ExtU64::micros(ASLEEP_US);
            // One question at a time, so there is room.
            let _ = wake::spawn_at(at, from);
        }
    }

    #[task(priority = 1, event, channels = [wake])]
    fn wake(mut cx: wake::Context, client: ClientId) {
        cx.channels.wake.lock(|channel| {
            let _ = channel.send(client, &ordered());
        });
    }
}

/// A round.
pub fn measure(book: &mut Book, pair: Pair, notes: &mut Vec<String>) -> Result<(), String> {
    ours(book, pair)?;
    let system = |error: rustix::io::Errno| format!("cannot make a descriptor: {error}");
    let event = eventfd(0, EventfdFlags::CLOEXEC).map_err(system)?;
    by_kernel(book, "wake.eventfd", pair, &event, || read(&event))?;
    let (reader, writer) = pipe().map_err(system)?;
    by_kernel(book, "wake.pipe", pair, &writer, || read(&reader))?;
    match IoUring::new(8) {
        Ok(mut ring) => by_kernel(book, "wake.uring", pair, &event, || {
            read_by_ring(&mut ring, &event)
        }),
        Err(error) => {
            let note = format!("io_uring: skipped, the system refuses it ({error})");
            if !notes.contains(&note) {
                notes.push(note);
            }
            Ok(())
        }
    }
}

fn ours(book: &mut Book, pair: Pair) -> Result<(), String> {
    if !book.wants(&["wake.ours"]) {
        return Ok(());
    }
    with_core::<app::App>(pair, "wake", |channel| {
        let mut trouble = Ok(());
        samples(book, "wake.ours", || {
            woken(channel).unwrap_or_else(|why| {
                trouble = Err(format!("wake.ours: {why}"));
                0
            })
        });
        trouble
    })
}

/// From the waking to here, cycles.
fn woken(channel: &mut Channel) -> Result<u64, String> {
    let text = |error: Error| error.to_string();
    let mut stamp = [0; 8];
    channel.try_send(&[0; 8]).map_err(text)?;
    let got = channel.recv_timeout(&mut stamp, LONG).map_err(text)?;
    got.ok_or("the core did not answer")?;
    Ok(ordered().saturating_sub(u64::from_ne_bytes(stamp)))
}

/// Wakes by a word written to `to`; `sleep` sleeps until it comes.
fn by_kernel(
    book: &mut Book,
    id: &'static str,
    pair: Pair,
    to: &OwnedFd,
    mut sleep: impl FnMut(),
) -> Result<(), String> {
    if !book.wants(&[id]) {
        return Ok(());
    }
    let (asked, stamp) = (AtomicU64::new(0), AtomicU64::new(0));
    let pause = ASLEEP_US * offsched_hosted::measured_hz() / 1_000_000;
    let far = |end: &AtomicBool| {
        let mut served = 0;
        while !end.load(Ordering::Relaxed) {
            let number = asked.load(Ordering::Acquire);
            if number == served {
                continue;
            }
            served = number;
            let begin = now();
            while now().saturating_sub(begin) < pause {}
            stamp.store(ordered(), Ordering::Release);
            let _ = rustix::io::write(to, &1_u64.to_ne_bytes());
        }
    };
    far::beside(pair, far, || {
        let mut number = 0;
        samples(book, id, || {
            number += 1;
            asked.store(number, Ordering::Release);
            sleep();
            ordered().saturating_sub(stamp.load(Ordering::Acquire))
        });
    })
}

fn samples(book: &mut Book, id: &'static str, mut sample: impl FnMut() -> u64) {
    if let Some(series) = book.series(id, Timing::Each) {
        for _ in 0..BATCHES {
            series.add_batch(&std::array::from_fn::<u64, BATCH, _>(|_| sample()));
        }
    }
}

fn read(from: &OwnedFd) {
    let _ = rustix::io::read(from, &mut [0_u8; 8]);
}

/// One read of eight bytes through the ring, waited for.
#[allow(unsafe_code)]
fn read_by_ring(ring: &mut IoUring, from: &OwnedFd) {
    let mut word = [0_u8; 8];
    let entry = opcode::Read::new(Fd(from.as_raw_fd()), word.as_mut_ptr(), 8).build();
    // SAFETY: the buffer and the descriptor outlive the operation: it is waited for below, whatever interrupts the wait.
    let queued = unsafe { ring.submission().push(&entry) }.is_ok();
    while queued && ring.completion().next().is_none() {
        let _ = ring.submit_and_wait(1);
    }
}
