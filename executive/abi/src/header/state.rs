//! The core's state machine.
//!
//! ```text
//!   offline --(1)--> starting --(2)--> running --(3)--> stopping --(5)--> offline
//!                        \                \----(4)----> crashed <--/        ^
//!                         \-----(3), (4)----------------^    \-----(5)-----/
//! ```
//! (1) `begin`, a new epoch; (2) `run`; (3) `stop`; (4) `crash`; (5) `retire`.

use core::fmt;
use core::mem::offset_of;

use super::Header;
use crate::sync::{AtomicU32, Ordering, load_acquire_u32};

/// What a core is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Not running an image.
    Offline = 0,
    /// The image was started and prepares.
    Starting = 1,
    /// Tasks are being released.
    Running = 2,
    /// Told to stop, or stopping by itself.
    Stopping = 3,
    /// The image failed; see the header's crash message.
    Crashed = 4,
}

impl State {
    #[inline]
    fn from_word(word: u32) -> Option<Self> {
        Some(match word {
            0 => Self::Offline,
            1 => Self::Starting,
            2 => Self::Running,
            3 => Self::Stopping,
            4 => Self::Crashed,
            _ => return None,
        })
    }

    /// True if the state machine has an arrow from here to `to`.
    pub fn may_become(self, to: Self) -> bool {
        use State::{Crashed, Offline, Running, Starting, Stopping};
        matches!(
            (self, to),
            (Offline, Starting)
                | (Starting, Running | Stopping | Crashed)
                | (Running, Stopping | Crashed)
                | (Stopping, Offline | Crashed)
                | (Crashed, Offline)
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline => "offline",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Crashed => "crashed",
        })
    }
}

/// A transition that the state machine does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateError {
    /// The state that was found.
    pub found: State,
    /// The one that was asked for.
    pub wanted: State,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a core that is {} cannot become {}",
            self.found, self.wanted
        )
    }
}

impl core::error::Error for StateError {}

/// Offset of the state in a region, bytes: where the kernel module looks how a core fares.
pub const STATE_OFFSET: usize = offset_of!(Header, state) + offset_of!(CoreState, state);
/// Offset of the epoch in a region, bytes: where the kernel module looks for a sign of life.
pub const EPOCH_OFFSET: usize = offset_of!(Header, state) + offset_of!(CoreState, epoch);

// As `devnode/kmod/offsched.h` has it.
const _: () = assert!(STATE_OFFSET == 0x40 && EPOCH_OFFSET == 0x44);

/// State and epoch of a core, on a line of their own.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct CoreState {
    state: AtomicU32,
    epoch: AtomicU32,
}

impl CoreState {
    pub(super) fn new() -> Self {
        Self {
            state: AtomicU32::new(State::Offline as u32),
            epoch: AtomicU32::new(0),
        }
    }

    /// The state now. A word that is none reads as crashed: whoever wrote it is.
    #[inline]
    pub fn get(&self) -> State {
        State::from_word(load_acquire_u32(&self.state)).unwrap_or(State::Crashed)
    }

    /// How often the core was started: what was bound in an earlier epoch is gone.
    #[inline]
    pub fn epoch(&self) -> u32 {
        load_acquire_u32(&self.epoch)
    }

    /// (1) Offline to starting, in a new epoch, which is returned.
    ///
    /// # Errors
    /// [`StateError`] if the core is not offline.
    pub fn begin(&self) -> Result<u32, StateError> {
        let epoch = self.epoch.load(Ordering::Relaxed).wrapping_add(1);
        self.begin_in(epoch)?;
        Ok(epoch)
    }

    /// (1) Offline to starting, in an epoch that Linux's side counts, since it has the core's
    /// memory zeroed before each start. The epoch is stored last: once it shows, so does the state.
    ///
    /// # Errors
    /// [`StateError`] if the core is not offline.
    pub fn begin_in(&self, epoch: u32) -> Result<(), StateError> {
        self.step(State::Starting)?;
        self.epoch.store(epoch, Ordering::Release);
        Ok(())
    }

    /// (2) Starting to running.
    ///
    /// # Errors
    /// [`StateError`] if the core is not starting.
    pub fn run(&self) -> Result<(), StateError> {
        self.step(State::Running)
    }

    /// (3) Starting or running to stopping.
    ///
    /// # Errors
    /// [`StateError`] from any other state.
    pub fn stop(&self) -> Result<(), StateError> {
        self.step(State::Stopping)
    }

    /// (4) Any live state to crashed; write the crash message first.
    ///
    /// # Errors
    /// [`StateError`] if the core is offline or crashed already.
    pub fn crash(&self) -> Result<(), StateError> {
        self.step(State::Crashed)
    }

    /// (5) Stopping or crashed to offline.
    ///
    /// # Errors
    /// [`StateError`] from any other state.
    pub fn retire(&self) -> Result<(), StateError> {
        self.step(State::Offline)
    }

    /// Bounded: each retry means that the state moved on, and no loop of arrows is this long
    /// within one call of an honest pair of writers; after that the last state found is reported.
    fn step(&self, wanted: State) -> Result<(), StateError> {
        let mut found = self.get();
        for _ in 0..8 {
            if !found.may_become(wanted) {
                break;
            }
            let (from, to) = (found as u32, wanted as u32);
            match self
                .state
                .compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(word) => found = State::from_word(word).unwrap_or(State::Crashed),
            }
        }
        Err(StateError { found, wanted })
    }
}
