//! What the executive needs from what it runs on.
//!
//! Three ports exist: `bare` (ring 0, alone on the core), `hosted` (a pinned
//! Linux thread) and `sim` (virtual time). A port reads a clock, keeps one
//! alarm and calls [`Core::interrupt`](crate::Core::interrupt) when it goes
//! off, on the stack that it interrupted. It schedules nothing itself.

use crate::log::Logs;

/// What the executive needs from what it runs on.
///
/// All methods are called on the core itself, at any ceiling, and must neither
/// block nor allocate.
pub trait Port {
    /// The cycle counter now; never 0. Should never decrease; the executive copes with
    /// a clock that does, and counts it.
    fn now(&self) -> u64;

    /// Arms the one alarm for `at` (cycles), in place of an earlier one:
    /// `Core::interrupt` is to be called at or soon after it. `u64::MAX`
    /// disarms. An alarm may come early or for nothing.
    fn arm(&self, at: u64);

    /// The shortest distance in cycles for which it is worth arming the alarm
    /// only to watch a budget (arming has a price, on some ports a system
    /// call). Alarms for a release are armed whatever the distance.
    fn watch_min(&self) -> u64 {
        0
    }

    /// One turn of the idle loop, with nothing to release before `until`
    /// (cycles): a pause, a halt that an interrupt ends, or a step of virtual
    /// time. With an `until` of 0 the app's idle function wants its next turn
    /// at once: no halt then, only what the port does in every turn.
    ///
    /// Returns `None` if the port only paused, so that a long time between two
    /// looks at the clock is a gap; or the time (cycles) at which it meant to be
    /// back, if it slept: what goes beyond is a gap.
    fn relax(&self, until: u64) -> Option<u64>;

    /// True if [`relax`](Self::relax) may sleep, and so not look at the channels by itself: clients
    /// are asked for their doorbell first.
    fn sleeps(&self) -> bool {
        false
    }

    /// A pause inside a task's own wait loop: the same as [`relax`](Self::relax)
    /// but interrupts must go on being delivered.
    fn pause(&self);

    /// Rings Linux's doorbell for a channel.
    fn ring(&self, channel: u16);

    /// Where what this core logs goes; `None`: nowhere.
    fn logs(&self) -> Option<&Logs<'_>> {
        None
    }

    /// Writes to the emergency console, unbuffered.
    fn console(&self, bytes: &[u8]);
}
