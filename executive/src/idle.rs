//! The idle loop: polls the clock, looks for mail, gives the app's idle
//! function its turns, and sees the gaps.
#![allow(unsafe_code)]

use core::sync::atomic::Ordering;

use offsched_abi::telemetry::{add, raise};

use crate::Core;
use crate::ceiling::Limit;
use crate::image::{IdlePolicy, Image};

impl Core {
    /// The idle loop: looks at the clock, releases what is due, runs a turn of
    /// the app's idle function, relaxes.
    pub(crate) fn idle(&self, image: &Image<'_>, gap_min: u64) {
        let core = self.bound().memory.core;
        // The last look at the clock.
        let mut seen = 0;
        // The same, or when a sleep was to end, while nothing else has happened since.
        let mut last = None;
        let mut activity = self.activity.get();
        // The end of a measured job, which is as good as a look of our own.
        let mut end = 0;
        self.leave(Limit::IDLE);
        while !self.stopping() {
            // Jobs run by an interrupt beside the look at the clock: those before it show now, those behind it next time.
            let jobs = self.activity.get();
            let mut now = if end == 0 { self.now() } else { end };
            end = 0;
            if now < seen {
                self.note_step_back(seen - now);
                now = seen;
            } else if let Some(last) = last
                && activity == self.activity.get()
                && now.saturating_sub(last) > gap_min
            {
                self.note_gap(last, now);
            }
            core.heartbeat.store(now, Ordering::Relaxed);
            seen = now;
            last = Some(now);
            activity = jobs;
            if now >= self.due.get() {
                self.words.raise(Limit::KERNEL);
                self.words.defer();
                let interrupts = core.interrupts.load(Ordering::Relaxed);
                end = self.dispatch(Limit::IDLE, now);
                activity = self.activity.get();
                // An interrupt may have run a job after that end, which is among those now.
                let quiet = core.interrupts.load(Ordering::Relaxed) == interrupts;
                last = Some(end).filter(|end| *end != 0 && quiet);
            } else {
                self.look_for_mail(now);
                if let Some(turn) = image.idle {
                    self.idle_turn(turn);
                    last = None;
                    if image.idle_policy == IdlePolicy::Poll {
                        // Again and again, even on a port that would sleep: 0 has it do the rest of its turn.
                        let _ = self.bound().port.relax(0);
                        continue;
                    }
                }
                if self.alarm.get() != u64::MAX {
                    self.arm(u64::MAX);
                }
                if self.bound().port.sleeps() && !self.ask_all() {
                    continue;
                }
                let until = self.on_port(self.due.get());
                if let Some(meant) = self.bound().port.relax(until)
                    && image.idle.is_none()
                {
                    last = Some(meant.wrapping_add(self.skew.get()).max(now));
                }
            }
        }
    }

    /// One turn of the app's idle function, under the alarm.
    fn idle_turn(&self, turn: unsafe fn(&Core)) {
        let floor = self.words.enter_kernel();
        self.idle_turn.set(true);
        self.watch(Limit::IDLE);
        self.leave(floor);
        // SAFETY: at the idle level, on the core; one turn at a time, because only the idle loop calls this.
        unsafe { turn(self) };
        self.idle_turn.set(false);
    }

    /// The counter went back by so many cycles: from here on they are added to what it shows.
    #[cold]
    fn note_step_back(&self, cycles: u64) {
        let floor = self.words.enter_kernel();
        self.skew.set(self.skew.get().wrapping_add(cycles));
        add(&self.bound().memory.core.clock_steps_back, 1);
        self.leave(floor);
    }

    #[cold]
    fn note_gap(&self, start: u64, end: u64) {
        let floor = self.words.enter_kernel();
        let core = self.bound().memory.core;
        self.gap.set((start, end));
        add(&core.gaps, 1);
        add(&core.gap_total, end - start);
        raise(&core.gap_max, end - start);
        self.leave(floor);
    }
}
