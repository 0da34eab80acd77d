//! Lateness in figures: four percentiles, from exact samples or from a core's
//! histograms.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// How late something was, ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Half were no later.
    pub p50: u64,
    /// 99 of 100 were no later.
    pub p99: u64,
    /// 999 of 1000 were no later.
    pub p999: u64,
    /// None was later.
    pub max: u64,
}

impl Lateness {
    /// From a function that gives the quantile of a share (0..=1), and the maximum.
    pub fn from_quantiles(quantile: impl Fn(f64) -> u64, max: u64) -> Self {
        Self {
            p50: quantile(0.5),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max,
        }
    }

    /// From exact samples, in any order; all zero if there are none.
    pub fn from_samples(samples: &mut [u32]) -> Self {
        samples.sort_unstable();
        let at = |share: f64| {
            let rank = (samples.len() as f64 * share).ceil() as usize;
            let sample = samples.get(rank.max(1) - 1);
            sample.map_or(0, |nanos| u64::from(*nanos))
        };
        Self::from_quantiles(at, at(1.0))
    }
}

/// Samples that one thread writes and others read, with no lock between them.
#[derive(Debug)]
pub struct Samples {
    /// ns, cut at 4.29 s.
    nanos: Vec<AtomicU32>,
    len: AtomicUsize,
    missed: AtomicU64,
}

impl Samples {
    /// Room for so many samples; those beyond count as missed.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            nanos: std::iter::repeat_with(|| AtomicU32::new(0))
                .take(capacity)
                .collect(),
            len: AtomicUsize::new(0),
            missed: AtomicU64::new(0),
        }
    }

    /// Takes a sample, ns. One writer.
    pub fn record(&self, nanos: u64) {
        let len = self.len.load(Relaxed);
        let Some(place) = self.nanos.get(len) else {
            return self.miss(1);
        };
        place.store(u32::try_from(nanos).unwrap_or(u32::MAX), Relaxed);
        self.len
            .store(len + 1, std::sync::atomic::Ordering::Release);
    }

    /// Counts expiries that were passed over.
    pub fn miss(&self, count: u64) {
        self.missed
            .store(self.missed.load(Relaxed) + count, Relaxed);
    }

    /// Expiries passed over so far.
    pub fn missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }

    /// A copy of the samples so far.
    pub fn copy(&self) -> Vec<u32> {
        let len = self.len.load(std::sync::atomic::Ordering::Acquire);
        self.nanos
            .iter()
            .take(len)
            .map(|nanos| nanos.load(Relaxed))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_samples_are_exact() {
        let mut samples: Vec<u32> = (1..=1000).rev().collect();
        let found = Lateness::from_samples(&mut samples);
        let expected = Lateness {
            p50: 500,
            p99: 990,
            p999: 999,
            max: 1000,
        };
        assert_eq!(found, expected);
        assert_eq!(Lateness::from_samples(&mut []), Lateness::default());
        assert_eq!(Lateness::from_samples(&mut [7]).p50, 7);
    }

    #[test]
    fn what_finds_no_room_is_missed_and_what_is_too_long_is_cut() {
        let samples = Samples::with_capacity(2);
        for nanos in [5, u64::MAX, 6] {
            samples.record(nanos);
        }
        samples.miss(3);
        assert_eq!(samples.copy(), [5, u32::MAX]);
        assert_eq!(samples.missed(), 4);
    }
}
