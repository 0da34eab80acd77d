//! Ticks for the schedule, cycles for measurement, and the scale between them.

use core::marker::PhantomData;

use crate::Core;

/// A point in the core's life, in ticks of 1 us since its start.
pub type Instant = fugit::MonotonicInstant<u64, 1, 1_000_000>;
/// A length of time in ticks of 1 us.
pub type Duration = fugit::Duration<u64, 1, 1_000_000>;

/// The relation between the cycle counter and ticks of 1 us.
///
/// `mult` is cycles per tick as 32.32 fixed point; its reciprocal is kept so
/// that no division is on the way of an interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    epoch: u64,
    mult: u64,
    inverse: u64,
}

impl Scale {
    /// The slowest and the fastest counter that can be scaled, in Hz.
    pub const HZ_RANGE: core::ops::RangeInclusive<u64> = 1_000_000..=100_000_000_000;

    /// A scale for a counter of `hz` cycles a second, whose value `epoch` is
    /// tick 0. `None` if `hz` is outside [`HZ_RANGE`](Self::HZ_RANGE).
    pub fn new(hz: u64, epoch: u64) -> Option<Self> {
        if !Self::HZ_RANGE.contains(&hz) {
            return None;
        }
        let mult = ((u128::from(hz) << 32) / 1_000_000) as u64;
        let inverse = ((1u128 << 96) / u128::from(mult)).min(u128::from(u64::MAX)) as u64;
        Some(Self {
            epoch,
            mult,
            inverse,
        })
    }

    /// Cycles per tick, 32.32 fixed point.
    pub fn mult(&self) -> u64 {
        self.mult
    }

    /// The cycle counter's value at tick 0.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The first cycle of a tick. Saturates at the counter's end.
    #[inline]
    pub fn cycles_at(&self, tick: u64) -> u64 {
        self.epoch.saturating_add(self.cycles_in(tick))
    }

    /// The cycles in a number of ticks, rounded up, saturating.
    #[inline]
    pub fn cycles_in(&self, ticks: u64) -> u64 {
        let product = u128::from(ticks) * u128::from(self.mult);
        u64::try_from((product + 0xffff_ffff) >> 32).unwrap_or(u64::MAX)
    }

    /// The tick that a cycle lies in: the last one whose first cycle is not
    /// after it. Cycles before the epoch lie in tick 0.
    #[inline]
    pub fn tick_of(&self, cycles: u64) -> u64 {
        let since = cycles.saturating_sub(self.epoch);
        let guess = ((u128::from(since) * u128::from(self.inverse)) >> 64) as u64;
        // The reciprocal is rounded down and cycles_in up: the guess is at most one off, either way.
        if self.cycles_in(guess) > since {
            guess.saturating_sub(1)
        } else if self.cycles_in(guess.saturating_add(1)) <= since {
            guess + 1
        } else {
            guess
        }
    }

    /// Nanoseconds in a number of cycles, saturating.
    pub fn nanos_in(&self, cycles: u64) -> u64 {
        let nanos = ((u128::from(cycles) * 1_000) << 32) / u128::from(self.mult);
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    /// Cycles in a number of nanoseconds, rounded up, saturating.
    pub fn cycles_in_nanos(&self, nanos: u64) -> u64 {
        let cycles = (u128::from(nanos) * u128::from(self.mult)).div_ceil(1_000u128 << 32);
        u64::try_from(cycles).unwrap_or(u64::MAX)
    }
}

/// The core's clock, callable at any priority: it takes no lock and cannot
/// lose an alarm, because it only reads the counter.
#[derive(Clone, Copy)]
pub struct Clock<'a> {
    core: &'a Core,
    /// Not to leave the core.
    _here: PhantomData<*const ()>,
}

impl<'a> Clock<'a> {
    pub(crate) fn new(core: &'a Core) -> Self {
        Self {
            core,
            _here: PhantomData,
        }
    }

    /// Now, in ticks of 1 us since the core's start.
    #[inline]
    pub fn now(&self) -> Instant {
        Instant::from_ticks(self.core.scale().tick_of(self.cycles()))
    }

    /// Now, in nanoseconds since the core's start.
    #[inline]
    pub fn nanos(&self) -> u64 {
        let scale = self.core.scale();
        scale.nanos_in(self.cycles().saturating_sub(scale.epoch()))
    }

    /// Now, in cycles of the platform's counter.
    #[inline]
    pub fn cycles(&self) -> u64 {
        self.core.now()
    }

    /// The scale between cycles and time.
    #[inline]
    pub fn scale(&self) -> Scale {
        self.core.scale()
    }

    /// A pause in a wait loop.
    pub(crate) fn pause(&self) {
        self.core.pause();
    }

    /// Keeps the core busy for `length` of time, interrupts going on as usual
    /// (so a preemption makes it longer). For examples and hardware waits;
    /// ordinary code spawns a task for later instead.
    pub fn spin(&self, length: Duration) {
        let end = self
            .cycles()
            .saturating_add(self.core.scale().cycles_in(length.as_ticks()));
        while self.cycles() < end && !self.core.stopping() {
            self.pause();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_of_inverts_cycles_at() {
        for hz in [
            1_000_000,
            2_596_123_457,
            3_000_000_000,
            999_999_999,
            100_000_000_000,
        ] {
            let scale = Scale::new(hz, 12_345).unwrap();
            for tick in [0, 1, 2, 3, 999, 1_000_000, 86_400_000_000, 1 << 40] {
                let first = scale.cycles_at(tick);
                assert_eq!(scale.tick_of(first), tick, "hz {hz} tick {tick}");
                if tick > 0 {
                    assert_eq!(
                        scale.tick_of(first - 1),
                        tick - 1,
                        "hz {hz} before tick {tick}"
                    );
                }
            }
        }
    }

    #[test]
    fn extremes_saturate() {
        let scale = Scale::new(3_000_000_000, u64::MAX - 10).unwrap();
        assert_eq!(scale.cycles_at(u64::MAX), u64::MAX);
        assert_eq!(scale.tick_of(0), 0);
        assert_eq!(scale.nanos_in(3_000), 1_000);
        assert_eq!(scale.cycles_in_nanos(1_000), 3_000);
        assert!(Scale::new(999_999, 0).is_none());
    }
}
