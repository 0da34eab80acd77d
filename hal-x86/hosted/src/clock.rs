//! The TSC beside Linux's clocks: its frequency, and pairs of readings.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use offsched_hal_x86::tsc;
use rustix::time::{ClockId, clock_gettime};

/// How a core's counter relates to Linux's CLOCK_MONOTONIC: at some moment
/// before init both were read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeFacts {
    /// Cycles a second.
    pub hz: u64,
    /// The TSC at that moment, cycles.
    pub tsc: u64,
    /// CLOCK_MONOTONIC at that moment, ns.
    pub monotonic_ns: u64,
}

impl TimeFacts {
    /// Nanoseconds in a number of cycles, saturating.
    pub fn nanos_in(&self, cycles: u64) -> u64 {
        let nanos = u128::from(cycles) * 1_000_000_000 / u128::from(self.hz.max(1));
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    /// A fresh pair of readings. Linux slews CLOCK_MONOTONIC, so a long run
    /// publishes one now and then.
    pub fn take() -> Self {
        let hz = measured_hz();
        let (tsc, monotonic_ns) = read_pair(ClockId::Monotonic);
        Self {
            hz,
            tsc,
            monotonic_ns,
        }
    }
}

/// Tries to read a pair; the tightest counts.
const PAIR_TRIES: usize = 16;
/// Stretches that are measured; the median counts.
const STRETCHES: usize = 5;
/// Length of each.
const STRETCH: Duration = Duration::from_millis(16);

/// The TSC's frequency in Hz, measured once in a process against
/// CLOCK_MONOTONIC_RAW (80 ms), which no time service slews.
pub fn measured_hz() -> u64 {
    static HZ: OnceLock<u64> = OnceLock::new();
    *HZ.get_or_init(|| {
        let mut found: [u64; STRETCHES] = std::array::from_fn(|_| measure_stretch());
        found.sort_unstable();
        found[STRETCHES / 2]
    })
}

fn measure_stretch() -> u64 {
    let (cycles, nanos) = read_pair(ClockId::MonotonicRaw);
    let begin = Instant::now();
    while begin.elapsed() < STRETCH {
        std::thread::sleep(STRETCH / 4);
    }
    let (later_cycles, later_nanos) = read_pair(ClockId::MonotonicRaw);
    let elapsed = u128::from(later_nanos.saturating_sub(nanos).max(1));
    let counted = u128::from(later_cycles.saturating_sub(cycles));
    (counted * 1_000_000_000 / elapsed) as u64
}

/// The TSC (cycles) and a clock (ns) read together: the clock between two reads
/// of the counter, the tightest of a few tries, the counter's middle.
fn read_pair(clock: ClockId) -> (u64, u64) {
    let mut best = (u64::MAX, 0, 0);
    for _ in 0..PAIR_TRIES {
        let before = tsc::read_ordered();
        let nanos = nanos(clock);
        let width = tsc::read_ordered().saturating_sub(before);
        if width < best.0 {
            best = (width, before + width / 2, nanos);
        }
    }
    (best.1, best.2)
}

fn nanos(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    // Both clocks start at boot: neither part is negative.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_frequency_is_one_that_the_executive_can_scale() {
        let hz = measured_hz();
        assert!(offsched::time::Scale::HZ_RANGE.contains(&hz), "{hz}");
        assert_eq!(measured_hz(), hz);
    }

    #[test]
    fn pairs_go_forward_together() {
        let (first, then) = (read_pair(ClockId::Monotonic), read_pair(ClockId::Monotonic));
        assert!(then.0 > first.0 && then.1 >= first.1);
    }

    #[test]
    fn cycles_become_nanoseconds() {
        let facts = TimeFacts {
            hz: 2_000_000_000,
            tsc: 0,
            monotonic_ns: 0,
        };
        assert_eq!(facts.nanos_in(3), 1);
        assert_eq!(
            facts.nanos_in(2_000_000_000 * 1_000_000),
            1_000_000 * 1_000_000_000
        );
    }
}
