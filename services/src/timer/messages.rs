//! What applications and the timer service say to each other.

use offsched::Message;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`Request::kind`]: start a timer under `id`, in place of one that has it.
pub const START: u32 = 1;
/// [`Request::kind`]: cancel the timer that has `id`.
pub const CANCEL: u32 = 2;

/// [`Reply::kind`]: the timer runs.
pub const STARTED: u32 = 1;
/// [`Reply::kind`]: the timer has expired.
pub const EXPIRED: u32 = 2;
/// [`Reply::kind`]: the timer was cancelled.
pub const CANCELLED: u32 = 3;
/// [`Reply::kind`]: all timers are in use.
pub const NO_TIMER_LEFT: u32 = 4;
/// [`Reply::kind`]: no timer has that id (an expired one-shot has none either).
pub const UNKNOWN: u32 = 5;
/// [`Reply::kind`]: a kind that this service does not know.
pub const BAD_REQUEST: u32 = 6;

/// An application's request.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Message, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Request {
    /// [`START`] or [`CANCEL`].
    pub kind: u32,
    /// The application's own name for the timer.
    pub id: u32,
    /// Time to the first expiry, us, counted from the tick in which the service reads the request.
    pub delay_us: u64,
    /// Time between expiries, us; 0: a one-shot.
    pub period_us: u64,
}

impl Request {
    /// A timer that expires once.
    pub const fn one_shot(id: u32, delay_us: u64) -> Self {
        Self {
            kind: START,
            id,
            delay_us,
            period_us: 0,
        }
    }

    /// A timer that expires again and again; a period below 1 us is 1 us.
    pub const fn periodic(id: u32, delay_us: u64, period_us: u64) -> Self {
        let period_us = if period_us == 0 { 1 } else { period_us };
        Self {
            kind: START,
            id,
            delay_us,
            period_us,
        }
    }

    /// An end to a timer.
    pub const fn cancel(id: u32) -> Self {
        Self {
            kind: CANCEL,
            id,
            delay_us: 0,
            period_us: 0,
        }
    }
}

/// The service's answer, or an expiry.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Message, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Reply {
    /// [`STARTED`], [`EXPIRED`], ...
    pub kind: u32,
    /// The timer's id.
    pub id: u32,
    /// Started: the tick of the first expiry, us since the core's start. Expired: the tick that it was due at.
    pub due_us: u64,
    /// The core's clock when the service acted, cycles.
    pub at_cycles: u64,
    /// Messages to this application before this one that could not be told, because it did not read or because a gap
    /// passed over them: nothing is lost without a count.
    pub untold: u64,
}
