//! Delays for drivers: `embedded-hal`'s `DelayNs`.

use embedded_hal::delay::DelayNs;

use crate::Clock;

/// Looks at the clock beyond one for each nanosecond: only a clock that stands still needs them.
const SPARE_LOOKS: u64 = 1_000;

/// Waits by keeping the core busy, for drivers that must not touch their device too soon.
///
/// A job runs to completion, so the time is the job's own: it counts against its budget and is
/// taken from tasks of its level and below. More urgent ones preempt it, and make it longer. For
/// more than a few microseconds, spawn a task for later instead.
///
/// Never shorter than asked, to a cycle of the counter; bounded also on a counter that stands still.
#[derive(Clone, Copy)]
pub struct Delay<'a> {
    clock: Clock<'a>,
}

impl<'a> Clock<'a> {
    /// A delay on this clock, for drivers.
    pub fn delay(&self) -> Delay<'a> {
        Delay { clock: *self }
    }
}

impl DelayNs for Delay<'_> {
    fn delay_ns(&mut self, ns: u32) {
        let ns = u64::from(ns);
        let begin = self.clock.cycles();
        let length = self.clock.scale().cycles_in_nanos(ns).saturating_add(1);
        for _ in 0..ns.saturating_add(SPARE_LOOKS) {
            if self.clock.cycles().saturating_sub(begin) >= length {
                break;
            }
            self.clock.pause();
        }
    }
}
