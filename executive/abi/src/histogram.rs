//! A histogram with fixed buckets, one or two to each power of two.
//!
//! Bucket 0 holds everything below [`FLOOR`] cycles, the last bucket
//! everything above the range. A quantile read from it is the upper bound of
//! its bucket, so at most 50% (two buckets an octave) or 100% (one) above the
//! true value and never below it; the exact maximum stands beside it. One
//! writer; readers need no lock.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Values below this share bucket 0.
pub const FLOOR: u64 = 8;
const FLOOR_LOG2: u32 = FLOOR.ilog2();

/// A histogram over values in cycles: `N` buckets, `PER_OCTAVE` (1 or 2) to
/// each power of two.
#[repr(C)]
#[derive(Debug)]
pub struct Histogram<const N: usize, const PER_OCTAVE: usize> {
    counts: [AtomicU64; N],
}

impl<const N: usize, const PER_OCTAVE: usize> Histogram<N, PER_OCTAVE> {
    /// An empty histogram.
    pub const fn new() -> Self {
        const { assert!(N > 1 && (PER_OCTAVE == 1 || PER_OCTAVE == 2)) };
        Self {
            counts: [const { AtomicU64::new(0) }; N],
        }
    }

    /// The bucket that a value falls into.
    #[inline(always)]
    pub const fn bucket(value: u64) -> usize {
        if value < FLOOR {
            return 0;
        }
        let octave = value.ilog2();
        // The bits below the leading one, cut to the part of the octave.
        let part = ((value >> (octave - 1)) & 1) as usize * (PER_OCTAVE - 1);
        let bucket = (octave - FLOOR_LOG2) as usize * PER_OCTAVE + part + 1;
        if bucket < N { bucket } else { N - 1 }
    }

    /// The largest value that falls into a bucket; `u64::MAX` for the last.
    pub const fn upper(bucket: usize) -> u64 {
        if bucket + 1 >= N {
            return u64::MAX;
        }
        if bucket == 0 {
            return FLOOR - 1;
        }
        let octave = FLOOR_LOG2 + ((bucket - 1) / PER_OCTAVE) as u32;
        let part = ((bucket - 1) % PER_OCTAVE) as u64;
        let width = (1 << octave) / PER_OCTAVE as u64;
        (1 << octave) + (part + 1) * width - 1
    }

    /// Counts a value. Single writer: the load and the store are not one step.
    #[inline(always)]
    pub fn record(&self, value: u64) {
        let count = &self.counts[Self::bucket(value)];
        count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// The counts, bucket by bucket.
    pub fn counts(&self) -> [u64; N] {
        core::array::from_fn(|i| self.counts[i].load(Relaxed))
    }

    /// The buckets that hold anything: upper bound in cycles, and count.
    pub fn filled(&self) -> impl Iterator<Item = (u64, u64)> + Clone {
        self.counts()
            .into_iter()
            .enumerate()
            .filter(|(_, n)| *n > 0)
            .map(|(i, n)| (Self::upper(i), n))
    }

    /// Sets every count to zero.
    pub fn clear(&self) {
        self.counts.iter().for_each(|count| count.store(0, Relaxed));
    }
}

impl<const N: usize, const PER_OCTAVE: usize> Default for Histogram<N, PER_OCTAVE> {
    fn default() -> Self {
        Self::new()
    }
}

/// The smallest bucket bound (cycles) that at least the share `q` (0..=1) of
/// the values counted in `buckets` (bound and count, in rising order of bound)
/// do not exceed, cut to the exact maximum `max`. Zero when nothing was
/// counted.
pub fn quantile(buckets: impl Iterator<Item = (u64, u64)> + Clone, q: f64, max: u64) -> u64 {
    let total: u64 = buckets.clone().map(|(_, count)| count).sum();
    if total == 0 {
        return 0;
    }
    let rank = ((total as f64 * q) as u64).clamp(1, total);
    let mut seen = 0;
    for (upper, count) in buckets {
        seen += count;
        if seen >= rank {
            return upper.min(max);
        }
    }
    max
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers_without_overlap<const N: usize, const P: usize>() {
        for bucket in 0..N - 2 {
            let upper = Histogram::<N, P>::upper(bucket);
            assert_eq!(Histogram::<N, P>::bucket(upper), bucket, "upper {upper}");
            assert_eq!(
                Histogram::<N, P>::bucket(upper + 1),
                bucket + 1,
                "after {upper}"
            );
        }
        assert_eq!(Histogram::<N, P>::bucket(0), 0);
        assert_eq!(Histogram::<N, P>::bucket(u64::MAX), N - 1);
    }

    #[test]
    fn buckets_cover_every_value_without_overlap() {
        covers_without_overlap::<40, 2>();
        covers_without_overlap::<20, 1>();
    }

    #[test]
    fn quantiles_are_upper_bounds_cut_to_the_maximum() {
        let h = Histogram::<40, 2>::new();
        (0..99).for_each(|_| h.record(10));
        h.record(1_000);
        let read = |q| quantile(h.filled(), q, 1_000);
        assert_eq!((read(0.5), read(0.99), read(1.0)), (11, 11, 1_000));
        assert_eq!(quantile(core::iter::empty(), 0.5, 0), 0);
    }
}
