//! The tick's part: which timers run, and which have expired.
//!
//! All that the tick locks out other tasks for is here. To start and to end a
//! timer takes constant time. To look for expiries takes at most
//! [`EXPIRIES_PER_TICK`] timers out, but once in a while a slot's timers move
//! down a wheel first, which are all [`TIMERS_MAX`] at the worst: each timer
//! moves at most ten times in its life.

use heapless::Deque;
use offsched::wheel::{Link, Wheel};

/// The most timers of all applications together.
pub const TIMERS_MAX: usize = 256;
/// The most expiries that one tick takes out of the wheel; more wait for the next tick.
pub const EXPIRIES_PER_TICK: usize = 16;

/// What has come of one timer since it was last told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// The tick of the last expiry, us.
    pub due_us: u64,
    /// The clock when it was seen, cycles.
    pub at_cycles: u64,
    /// Expiries so far untold, this one included. 0: none.
    pub count: u64,
    /// The timer will not expire again.
    pub one_shot: bool,
}

/// One timer's words.
#[derive(Clone, Copy, Debug, Default)]
struct Timer {
    /// 0: a one-shot.
    period_us: u64,
    expiry: Expiry,
    /// In the queue of those to tell of, perhaps from an earlier life.
    queued: bool,
}

/// The timers that run, by number.
pub struct Running {
    wheel: Wheel,
    links: [Link; TIMERS_MAX],
    timers: [Timer; TIMERS_MAX],
    /// Each number at most once, so it never overflows.
    expired: Deque<u16, TIMERS_MAX>,
}

impl Running {
    /// No timers.
    pub fn new() -> Self {
        Self {
            wheel: Wheel::new(),
            links: core::array::from_fn(|_| Link::new()),
            timers: [Timer::default(); TIMERS_MAX],
            expired: Deque::new(),
        }
    }

    /// Starts timer `number` (below [`TIMERS_MAX`]), whether or not it ran before.
    pub fn start(&mut self, number: u16, due_us: u64, period_us: u64) {
        let timer = &mut self.timers[usize::from(number)];
        *timer = Timer {
            period_us,
            expiry: Expiry::default(),
            ..*timer
        };
        self.wheel.add(&self.links, number, due_us);
    }

    /// Ends timer `number`; what has expired and was not told is forgotten.
    pub fn end(&mut self, number: u16) {
        self.wheel.cancel(&self.links, number);
        self.timers[usize::from(number)].expiry = Expiry::default();
    }

    /// True if a timer is due at or before `now_us`, or may be.
    #[inline]
    pub fn is_due(&self, now_us: u64) -> bool {
        self.wheel.next().is_some_and(|next| next <= now_us)
    }

    /// Takes out what has expired, at most [`EXPIRIES_PER_TICK`] timers. True if anything is to be told.
    pub fn expire(&mut self, now_us: u64, at_cycles: u64) -> bool {
        for _ in 0..EXPIRIES_PER_TICK {
            let Some(number) = self.wheel.pop(&self.links, now_us) else {
                break;
            };
            self.expire_one(number, now_us, at_cycles);
        }
        !self.expired.is_empty()
    }

    fn expire_one(&mut self, number: u16, now_us: u64, at_cycles: u64) {
        let timer = &mut self.timers[usize::from(number)];
        let first_us = self.links[usize::from(number)].when();
        // After a gap only the last of several expiries is told, with their number.
        let passed = now_us
            .saturating_sub(first_us)
            .checked_div(timer.period_us)
            .unwrap_or(0);
        let due_us = first_us.saturating_add(passed.saturating_mul(timer.period_us));
        let count = timer.expiry.count + 1 + passed;
        timer.expiry = Expiry {
            due_us,
            at_cycles,
            count,
            one_shot: timer.period_us == 0,
        };
        if !timer.queued {
            // Each number is in the queue at most once, so there is room.
            timer.queued = self.expired.push_back(number).is_ok();
        }
        if timer.period_us > 0 {
            self.wheel
                .add(&self.links, number, due_us.saturating_add(timer.period_us));
        }
    }

    /// The next timer to tell of; its expiry's count is 0 if it was ended meanwhile.
    pub fn take(&mut self) -> Option<(u16, Expiry)> {
        let number = self.expired.pop_front()?;
        let timer = &mut self.timers[usize::from(number)];
        timer.queued = false;
        Some((number, core::mem::take(&mut timer.expiry)))
    }
}

impl Default for Running {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn told(running: &mut Running, now_us: u64) -> Vec<(u16, u64, u64)> {
        while running.is_due(now_us) {
            running.expire(now_us, 0);
        }
        core::iter::from_fn(|| running.take())
            .map(|(n, expiry)| (n, expiry.due_us, expiry.count))
            .collect()
    }

    #[test]
    fn one_shots_expire_once() {
        let mut running = Running::new();
        (0..TIMERS_MAX as u16).for_each(|n| running.start(n, 5, 0));
        assert!(told(&mut running, 4).is_empty());
        assert_eq!(told(&mut running, 5).len(), TIMERS_MAX);
        assert!(told(&mut running, 1_000).is_empty());
    }

    #[test]
    fn one_tick_takes_out_a_bounded_number() {
        let mut running = Running::new();
        (0..40).for_each(|n| running.start(n, 1, 0));
        running.expire(1, 0);
        assert_eq!(
            core::iter::from_fn(|| running.take()).count(),
            EXPIRIES_PER_TICK
        );
        assert!(running.is_due(2), "the rest waits for the next tick");
    }

    #[test]
    fn a_periodic_timer_keeps_its_phase_and_counts_what_a_gap_passed_over() {
        let mut running = Running::new();
        running.start(7, 10, 10);
        assert_eq!(told(&mut running, 10), [(7, 10, 1)]);
        assert_eq!(told(&mut running, 45), [(7, 40, 3)]);
        assert_eq!(told(&mut running, 50), [(7, 50, 1)]);
    }

    #[test]
    fn expiries_that_nobody_takes_are_counted() {
        let mut running = Running::new();
        running.start(3, 1, 1);
        (1..=5).for_each(|now_us| assert!(running.expire(now_us, 0)));
        assert_eq!(
            running.take(),
            Some((
                3,
                Expiry {
                    due_us: 5,
                    at_cycles: 0,
                    count: 5,
                    one_shot: false
                }
            ))
        );
        assert_eq!(running.take(), None);
    }

    #[test]
    fn an_ended_timer_is_not_told_of_and_its_number_can_start_again() {
        let mut running = Running::new();
        running.start(3, 1, 0);
        running.expire(1, 0);
        running.end(3);
        running.start(3, 9, 0);
        assert_eq!(running.take().map(|(_, expiry)| expiry.count), Some(0));
        assert_eq!(told(&mut running, 9), [(3, 9, 1)]);
    }
}
