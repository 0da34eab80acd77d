//! What the controller, its handles and the core thread share.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use offsched::Core;

use crate::claim::Claim;
use crate::{Error, Outcome, TimeFacts, alarm};

/// How far a core's thread has come.
#[derive(Debug)]
enum Phase {
    Starting,
    Running,
    Refused(Option<Error>),
    Ended {
        outcome: Outcome,
        /// The boundary has been told.
        told: bool,
    },
}

/// What the controller, its handles and the core thread share.
///
/// The mutex is never held on the core while signals reach it, except by
/// `started`, inside the kernel's ceiling: no job can interrupt its holder.
#[derive(Debug)]
pub(crate) struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
    time: Mutex<Option<TimeFacts>>,
    claim: Mutex<Option<Claim>>,
    thread: AtomicI32,
    signal: AtomicI32,
    live: AtomicBool,
    rung: AtomicBool,
    /// The last time that somebody rang.
    last_ring: Mutex<Option<Instant>>,
    /// Least time between two rings.
    ring_min: Duration,
}

/// Apps, by their core's address, that have crashed in this process.
static CRASHED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Nothing that these mutexes guard is ever half changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new(claim: Claim, ring_min: Duration) -> Self {
        Self {
            phase: Mutex::new(Phase::Starting),
            changed: Condvar::new(),
            time: Mutex::new(None),
            claim: Mutex::new(Some(claim)),
            thread: AtomicI32::new(0),
            signal: AtomicI32::new(0),
            live: AtomicBool::new(false),
            rung: AtomicBool::new(false),
            last_ring: Mutex::new(None),
            ring_min,
        }
    }

    /// The core thread is ready to run.
    pub fn enter(&self, thread: i32, signal: i32, time: TimeFacts) {
        *lock(&self.time) = Some(time);
        self.thread.store(thread, Ordering::Relaxed);
        self.signal.store(signal, Ordering::Relaxed);
    }

    /// The app's init is done.
    pub fn started(&self) {
        self.live.store(true, Ordering::Release);
        self.set(Phase::Running);
    }

    /// The core did not start. Nothing happens if it has, and has ended.
    pub fn refuse(&self, error: Error) {
        self.close();
        self.change(|phase| {
            if matches!(phase, Phase::Starting) {
                *phase = Phase::Refused(Some(error));
            }
        });
    }

    /// The core has ended; the boundary is told next.
    pub fn end(&self, outcome: Outcome, core: &'static Core) {
        if matches!(outcome, Outcome::Crashed { .. }) {
            lock(&CRASHED).push(address(core));
        }
        self.close();
        self.set(Phase::Ended {
            outcome,
            told: false,
        });
    }

    /// The boundary has been told of the end.
    pub fn told(&self) {
        self.change(|phase| {
            if let Phase::Ended { told, .. } = phase {
                *told = true;
            }
        });
    }

    /// The signal has come: was it the doorbell? From here on another one is news.
    pub fn heard(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }

    /// Rings the core's doorbell; too soon after the last ring, it waits first.
    /// Others that ring meanwhile need not wait: the one to come is theirs too.
    pub fn ring(&self) {
        if !self.is_live() || self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut last = lock(&self.last_ring);
        if let Some(last) = *last {
            std::thread::sleep(self.ring_min.saturating_sub(last.elapsed()));
        }
        *last = Some(Instant::now());
        drop(last);
        let thread = self.thread.load(Ordering::Relaxed);
        if alarm::send(thread, self.signal.load(Ordering::Relaxed)).is_err() {
            // The user's queue of signals is full, or the thread has just ended: let the next ring try again.
            self.heard();
        }
    }

    /// True between the end of init and the end of the run.
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }

    fn close(&self) {
        self.live.store(false, Ordering::Release);
        lock(&self.claim).take();
    }

    fn set(&self, new: Phase) {
        self.change(|phase| *phase = new);
    }

    fn change(&self, change: impl FnOnce(&mut Phase)) {
        change(&mut lock(&self.phase));
        self.changed.notify_all();
    }

    /// Waits until init is done: the time facts, or why nothing runs.
    pub fn wait_started(&self) -> Result<Option<TimeFacts>, Error> {
        if let Phase::Refused(error) = &mut *self.wait(|phase| !matches!(phase, Phase::Starting))
            && let Some(error) = error.take()
        {
            return Err(error);
        }
        Ok(*lock(&self.time))
    }

    /// Waits for the end, and until the boundary has been told of it.
    pub fn wait_ended(&self) {
        drop(
            self.wait(|phase| matches!(phase, Phase::Ended { told: true, .. } | Phase::Refused(_))),
        );
    }

    fn wait(&self, until: impl Fn(&Phase) -> bool) -> MutexGuard<'_, Phase> {
        let phase = lock(&self.phase);
        self.changed
            .wait_while(phase, |phase| !until(phase))
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How the run ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        match &*lock(&self.phase) {
            Phase::Ended { outcome, .. } => Some(outcome.clone()),
            _ => None,
        }
    }
}

/// True if an app with this core has crashed in this process.
pub(crate) fn has_crashed(core: &'static Core) -> bool {
    lock(&CRASHED).contains(&address(core))
}

fn address(core: &'static Core) -> usize {
    std::ptr::from_ref(core).addr()
}
