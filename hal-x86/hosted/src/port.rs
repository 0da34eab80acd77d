//! The port itself: clock, alarm, idle turns.

use std::cell::Cell;
use std::sync::Arc;

use offsched::log::Logs;
use offsched::time::Scale;
use offsched::{IdlePolicy, Port};
use offsched_hal_x86::tsc;

use crate::Boundary;
use crate::alarm::{self, Timer};
use crate::thread::{Start, came};

/// Below this a budget is looked at when its job ends: setting the timer and
/// taking its signal cost a few microseconds.
const WATCH_MIN_NS: u64 = 50_000;

/// The longest sleep of a core that halts in idle: its heartbeat goes on.
const SLEEP_MAX_NS: u64 = 100_000_000;

/// The hosted port. Used on its core thread only.
pub(crate) struct HostedPort<'a> {
    timer: Timer,
    scale: Scale,
    boundary: Arc<dyn Boundary>,
    /// The timer may be set: taking back what is not set would be a system call for nothing.
    armed: Cell<bool>,
    /// See [`Config::alarm_min_ns`](crate::Config::alarm_min_ns).
    alarm_min_ns: u64,
    /// The CPU is the only one that the process has: others need it too.
    shared_cpu: bool,
    logs: Option<Logs<'a>>,
    /// The app halts in idle.
    halts: bool,
}

impl<'a> HostedPort<'a> {
    pub fn new(timer: Timer, scale: Scale, start: &'a Start) -> Self {
        Self {
            timer,
            scale,
            boundary: Arc::clone(&start.boundary),
            armed: Cell::new(false),
            alarm_min_ns: start.config.alarm_min_ns,
            shared_cpu: start.shared_cpu,
            logs: start
                .boundary
                .logs()
                .map(|rings| Logs::new(rings, (start.image)().tasks)),
            halts: (start.image)().idle_policy == IdlePolicy::Halt,
        }
    }

    /// Sleeps until the signal comes, or until `until`. When it meant to be back.
    fn sleep(&self, until: u64) -> u64 {
        let now = tsc::read();
        let longest = self.scale.cycles_in_nanos(SLEEP_MAX_NS);
        let until = until.min(now.saturating_add(longest));
        let ahead = self.scale.nanos_in(until.saturating_sub(now));
        alarm::sleep(self.timer.signal(), ahead, came);
        until
    }
}

impl Port for HostedPort<'_> {
    #[inline]
    fn now(&self) -> u64 {
        tsc::read()
    }

    /// Relative to now, so that where Linux's clock stands does not matter;
    /// rounded up, and never so soon that the job that goes on now gets
    /// nowhere. For a time in the past, as soon as that.
    ///
    /// Linux slews CLOCK_MONOTONIC, by up to 500 ppm: a long alarm can come
    /// early or late by that much. One that comes early finds nothing due and
    /// is armed again for the rest.
    fn arm(&self, at: u64) {
        if at == u64::MAX {
            if self.armed.replace(false) {
                self.timer.clear();
            }
            return;
        }
        self.armed.set(true);
        let ahead = self.scale.nanos_in(at.saturating_sub(tsc::read())) + 1;
        self.timer.set(ahead.max(self.alarm_min_ns));
    }

    fn watch_min(&self) -> u64 {
        self.scale.cycles_in_nanos(WATCH_MIN_NS)
    }

    /// An app that polls looks again at once: on a CPU of its own there is nobody to be polite
    /// to, and a pause instruction makes a hypervisor take the CPU away.
    #[inline]
    fn relax(&self, until: u64) -> Option<u64> {
        if self.halts && until != 0 {
            return Some(self.sleep(until));
        }
        if self.shared_cpu {
            rustix::thread::sched_yield();
        }
        None
    }

    fn sleeps(&self) -> bool {
        self.halts
    }

    fn pause(&self) {
        std::hint::spin_loop();
    }

    fn ring(&self, channel: u16) {
        self.boundary.ring(channel);
    }

    fn logs(&self) -> Option<&Logs<'_>> {
        self.logs.as_ref()
    }

    fn console(&self, bytes: &[u8]) {
        self.boundary.console(bytes);
    }
}
