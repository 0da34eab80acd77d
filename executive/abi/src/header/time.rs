//! One timeline for the core and for Linux: the TSC, and what it reads on CLOCK_MONOTONIC.

use crate::sync::{AtomicU32, AtomicU64, Ordering, fence};

/// Cycles of the TSC in other units. Fixed point with 32 fraction bits ("q32").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeScale {
    /// Cycles in a microsecond, q32.
    pub cycles_per_us_q32: u64,
    /// Nanoseconds in a cycle, q32.
    pub ns_per_cycle_q32: u64,
    /// A reading of the TSC, cycles.
    pub tsc_base: u64,
    /// CLOCK_MONOTONIC at that reading, ns.
    pub monotonic_base_ns: u64,
}

impl TimeScale {
    /// The scale of a TSC of `hz` cycles a second that read `tsc_base` at `monotonic_base_ns`.
    /// `None` for a frequency of 0.
    pub fn new(hz: u64, tsc_base: u64, monotonic_base_ns: u64) -> Option<Self> {
        let per_us = (u128::from(hz) << 32) / 1_000_000;
        let per_cycle = (1_000_000_000_u128 << 32).checked_div(u128::from(hz))?;
        Some(Self {
            cycles_per_us_q32: u64::try_from(per_us).ok()?,
            ns_per_cycle_q32: u64::try_from(per_cycle).ok()?,
            tsc_base,
            monotonic_base_ns,
        })
    }

    /// A stretch of cycles in nanoseconds, saturating.
    pub fn cycles_to_ns(&self, cycles: u64) -> u64 {
        let ns = (u128::from(cycles) * u128::from(self.ns_per_cycle_q32)) >> 32;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// A stretch of microseconds in cycles, saturating.
    pub fn us_to_cycles(&self, us: u64) -> u64 {
        let cycles = (u128::from(us) * u128::from(self.cycles_per_us_q32)) >> 32;
        u64::try_from(cycles).unwrap_or(u64::MAX)
    }

    /// CLOCK_MONOTONIC (ns) when the TSC reads `tsc`, before or after the base; saturating.
    pub fn monotonic_ns(&self, tsc: u64) -> u64 {
        if tsc >= self.tsc_base {
            self.monotonic_base_ns
                .saturating_add(self.cycles_to_ns(tsc - self.tsc_base))
        } else {
            self.monotonic_base_ns
                .saturating_sub(self.cycles_to_ns(self.tsc_base - tsc))
        }
    }
}

/// A [`TimeScale`] as published. May be published anew while the core runs, since Linux slews
/// CLOCK_MONOTONIC: a sequence number, odd while writing, tells readers to look again.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct TimeBase {
    sequence: AtomicU32,
    _reserved: u32,
    words: [AtomicU64; 4],
}

/// Looks at a base that is being written before a reader gives up.
const READ_TRIES: usize = 64;

impl TimeBase {
    pub(super) fn new() -> Self {
        Self {
            sequence: AtomicU32::new(0),
            _reserved: 0,
            words: [const { AtomicU64::new(0) }; 4],
        }
    }

    /// Publishes a scale. One writer only.
    pub fn publish(&self, scale: &TimeScale) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence
            .store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let values = [
            scale.cycles_per_us_q32,
            scale.ns_per_cycle_q32,
            scale.tsc_base,
            scale.monotonic_base_ns,
        ];
        for (word, value) in self.words.iter().zip(values) {
            word.store(value, Ordering::Relaxed);
        }
        self.sequence
            .store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// The scale, or `None` if none was published yet (or its writer died while writing).
    pub fn read(&self) -> Option<TimeScale> {
        (0..READ_TRIES)
            .find_map(|_| self.try_read())
            .filter(|scale| scale.cycles_per_us_q32 != 0)
    }

    fn try_read(&self) -> Option<TimeScale> {
        let before = self.sequence.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        let [
            cycles_per_us_q32,
            ns_per_cycle_q32,
            tsc_base,
            monotonic_base_ns,
        ] = core::array::from_fn(|at| self.words[at].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let after = self.sequence.load(Ordering::Relaxed);
        (before == after && before.is_multiple_of(2)).then_some(TimeScale {
            cycles_per_us_q32,
            ns_per_cycle_q32,
            tsc_base,
            monotonic_base_ns,
        })
    }
}
