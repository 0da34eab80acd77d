//! What the demo found, at a moment or at the end.

use offsched::Memory;
use offsched::abi::histogram::quantile;
use offsched::abi::telemetry::TaskTelemetry;
use offsched_hosted::TimeFacts;

use std::sync::atomic::Ordering::Relaxed;

use super::lateness::Lateness;
use super::linux::Sampler;

/// The core's tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tick {
    /// Jobs that ran.
    pub ticks: u64,
    /// Ticks not done by the next one: late and skipped together.
    pub missed: u64,
    /// Of these, those that ran but ended after their deadline.
    pub late: u64,
    /// Of these, those that never ran, because their time was over.
    pub skipped: u64,
    /// How late jobs started.
    pub lateness: Lateness,
    /// The same among ticks that no gap touched.
    pub outside: Outside,
}

/// The ticks that no gap touched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outside {
    /// Jobs that ran.
    pub ticks: u64,
    /// Those that started a period or more late.
    pub missed: u64,
    /// How late jobs started.
    pub lateness: Lateness,
}

/// The time that the platform took from the core while it was idle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gaps {
    /// How often.
    pub count: u64,
    /// The longest, ns.
    pub max_ns: u64,
    /// All together, ns.
    pub total_ns: u64,
}

/// One of Linux's timers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer {
    /// Time between expiries, us.
    pub period_us: u64,
    /// Wake-ups.
    pub samples: u64,
    /// Expiries passed over.
    pub missed: u64,
    /// How late the wake-ups were.
    pub lateness: Lateness,
}

/// Samples of a timer that a live view looks at: the newest so many.
const LIVE_SAMPLES: usize = 100_000;

impl Tick {
    /// Reads a tick's telemetry; `period_us` is its period.
    pub fn read(task: &TaskTelemetry, time: &TimeFacts, period_us: u64) -> Self {
        let late = task.misses.load(Relaxed);
        let skipped = task.skipped.load(Relaxed) + task.rejected.load(Relaxed);
        Self {
            ticks: task.completions.load(Relaxed),
            missed: late + skipped,
            late,
            skipped,
            lateness: in_ns(task.lateness_raw(), task.lateness_max.load(Relaxed), time),
            outside: Outside::read(task, time, period_us),
        }
    }
}

impl Outside {
    fn read(task: &TaskTelemetry, time: &TimeFacts, period_us: u64) -> Self {
        let max = task.lateness_max_outside_gaps.load(Relaxed);
        let period = time.hz / 1_000_000 * period_us;
        let buckets = task.lateness.filled();
        // A bucket counts as a whole, by the most that it can hold.
        let missed = buckets
            .clone()
            .filter(|(upper, _)| (*upper).min(max) >= period);
        Self {
            ticks: buckets.clone().map(|(_, count)| count).sum(),
            missed: missed.map(|(_, count)| count).sum(),
            lateness: in_ns(buckets, max, time),
        }
    }
}

impl Gaps {
    /// Reads a core's gaps.
    pub fn read(memory: &Memory<'_>, time: &TimeFacts) -> Self {
        Self {
            count: memory.core.gaps.load(Relaxed),
            max_ns: time.nanos_in(memory.core.gap_max.load(Relaxed)),
            total_ns: time.nanos_in(memory.core.gap_total.load(Relaxed)),
        }
    }
}

impl Timer {
    /// All samples so far.
    pub fn read(sampler: &Sampler) -> Self {
        Self::of(sampler, usize::MAX)
    }

    /// The newest samples; enough for a view, and cheap after an hour too.
    pub fn read_newest(sampler: &Sampler) -> Self {
        Self::of(sampler, LIVE_SAMPLES)
    }

    fn of(sampler: &Sampler, newest: usize) -> Self {
        let mut samples = sampler.samples().copy();
        let count = samples.len();
        let first = count.saturating_sub(newest);
        let max = samples.iter().copied().max().unwrap_or(0);
        Self {
            period_us: sampler.period_us(),
            samples: count as u64,
            missed: sampler.samples().missed(),
            lateness: Lateness {
                max: u64::from(max),
                ..Lateness::from_samples(&mut samples[first..])
            },
        }
    }
}

/// Buckets and a maximum in cycles as lateness in ns.
fn in_ns(
    buckets: impl Iterator<Item = (u64, u64)> + Clone,
    max: u64,
    time: &TimeFacts,
) -> Lateness {
    let at = |share| time.nanos_in(quantile(buckets.clone(), share, max));
    Lateness::from_quantiles(at, time.nanos_in(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_is_read_raw_and_outside_gaps() {
        let time = TimeFacts {
            hz: 2_000_000_000,
            tsc: 0,
            monotonic_ns: 0,
        };
        let task = TaskTelemetry::default();
        for _ in 0..98 {
            task.lateness.record(100);
        }
        task.lateness.record(4_100);
        task.lateness_max_outside_gaps.store(4_100, Relaxed);
        task.lateness_in_gaps.record(1_000_000);
        task.lateness_max.store(1_000_000, Relaxed);
        task.completions.store(100, Relaxed);
        task.misses.store(2, Relaxed);
        task.skipped.store(499, Relaxed);
        let tick = Tick::read(&task, &time, 1);
        assert_eq!(
            (
                tick.ticks,
                tick.missed,
                tick.outside.ticks,
                tick.outside.missed
            ),
            (100, 501, 99, 1)
        );
        assert_eq!(
            (tick.lateness.max, tick.outside.lateness.max),
            (500_000, 2_050)
        );
        assert!(
            tick.lateness.p50 >= 50 && tick.lateness.p50 < 75,
            "{:?}",
            tick.lateness
        );
        assert!(tick.outside.lateness.p999 <= 2_050);
    }
}
