//! Samples of one measurement, over all rounds.
//!
//! Two views of the same thing: single operations, as the counter shows them
//! (in its steps, with every interruption), and means over batches of
//! [`BATCH`], whose median is the fine figure.

use std::collections::BTreeMap;

use crate::clock::{now, ordered};

/// Operations in one batch.
pub const BATCH: usize = 64;
/// Batches in one round.
pub const BATCHES: usize = 32;

/// How the operations of a series are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// Each by two ordered readings of the counter: a reading's own time is in every sample.
    Each,
    /// A batch by two readings.
    Batch,
    /// Batches with less batches without; single ones by two readings.
    Difference,
    /// Turns that are compared with each other: nothing to take off.
    Exact,
}

/// Samples of one measurement, in cycles.
#[derive(Debug)]
pub struct Series {
    timing: Timing,
    singles: Vec<u64>,
    batches: Vec<f64>,
}

/// One line of results, in cycles for one operation.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Median of the batches' means, less what reading the counter takes.
    pub fine: f64,
    /// The least of the batches' means, likewise: what a quiet machine would show.
    pub best: f64,
    /// Quantiles of single samples, less an empty one: 50%, 99%, 99.9%.
    pub quantiles: [u64; 3],
    /// The longest single sample, as it was.
    pub max: u64,
}

/// What reading the counter takes, in cycles.
#[derive(Clone, Copy, Debug)]
pub struct Empty {
    /// Median of the batches' means.
    pub fine: f64,
    /// Median of single samples.
    pub single: u64,
}

impl Series {
    fn new(timing: Timing, rounds: usize) -> Self {
        Self {
            timing,
            // Room for everything: nothing is allocated between two readings.
            singles: Vec::with_capacity(rounds * BATCHES * BATCH),
            batches: Vec::with_capacity(rounds * BATCHES),
        }
    }

    /// Adds a batch of single samples, which have been read one by one.
    pub fn add_batch(&mut self, samples: &[u64]) {
        self.singles.extend_from_slice(samples);
        self.batches
            .push(samples.iter().sum::<u64>() as f64 / samples.len().max(1) as f64);
    }

    /// Adds what lies between stamps of a stream: cycles, and operations done by then.
    pub fn add_stamps(&mut self, stamps: &[(u64, usize)]) {
        for stamps in stamps.chunks(BATCH + 1) {
            let between = |a: (u64, usize), b: (u64, usize)| {
                b.0.saturating_sub(a.0) as f64 / (b.1 - a.1).max(1) as f64
            };
            let singles = stamps
                .windows(2)
                .map(|pair| between(pair[0], pair[1]).round() as u64);
            self.singles.extend(singles);
            if let [first, .., last] = stamps {
                self.batches.push(between(*first, *last));
            }
        }
    }

    /// The figures; `None` if nothing was measured.
    pub fn summary(&self, empty: Empty) -> Option<Summary> {
        let (fine_off, single_off) = match self.timing {
            Timing::Each => (empty.fine, empty.single),
            // Batches are read without order: what overlaps at their ends is little beside them.
            Timing::Batch => (empty.fine / BATCH as f64, empty.single),
            Timing::Difference => (0.0, empty.single),
            Timing::Exact => (0.0, 0),
        };
        let mut singles = self.singles.clone();
        singles.sort_unstable();
        let at = |per_mille: usize| {
            singles[(singles.len() - 1) * per_mille / 1_000].saturating_sub(single_off)
        };
        Some(Summary {
            fine: median(&self.batches)? - fine_off,
            best: self.batches.iter().copied().fold(f64::INFINITY, f64::min) - fine_off,
            quantiles: if singles.is_empty() {
                [0; 3]
            } else {
                [at(500), at(990), at(999)]
            },
            max: singles.last().copied().unwrap_or(0),
        })
    }

    /// The series as the empty measurement.
    pub fn as_empty(&self) -> Empty {
        let mut singles = self.singles.clone();
        singles.sort_unstable();
        Empty {
            fine: median(&self.batches).unwrap_or(0.0),
            single: singles.get(singles.len() / 2).copied().unwrap_or(0),
        }
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// All series of a run, by the id of their row.
#[derive(Debug)]
pub struct Book {
    series: BTreeMap<&'static str, Series>,
    filter: String,
    rounds: usize,
}

impl Book {
    /// An empty book for so many rounds; only ids that contain `filter` are measured.
    pub fn new(rounds: usize, filter: &str) -> Self {
        Self {
            series: BTreeMap::new(),
            filter: filter.to_owned(),
            rounds,
        }
    }

    /// True if any of the ids is to be measured.
    pub fn wants(&self, ids: &[&str]) -> bool {
        ids.iter().any(|id| id.contains(&self.filter))
    }

    /// A series that has been measured.
    pub fn get(&self, id: &str) -> Option<&Series> {
        self.series.get(id)
    }

    /// The series of this id, if it is wanted.
    pub fn series(&mut self, id: &'static str, timing: Timing) -> Option<&mut Series> {
        if !self.wants(&[id]) && id != EMPTY {
            return None;
        }
        Some(
            self.series
                .entry(id)
                .or_insert_with(|| Series::new(timing, self.rounds)),
        )
    }

    /// A round of an operation that times itself and returns its cycles.
    pub fn each(&mut self, id: &'static str, mut operation: impl FnMut() -> u64) {
        let Some(series) = self.series(id, Timing::Each) else {
            return;
        };
        for _ in 0..BATCHES {
            series.add_batch(&std::array::from_fn::<u64, BATCH, _>(|_| operation()));
        }
    }

    /// A round of an operation too short for two readings of the counter: whole batches, and single ones beside them.
    pub fn batch(&mut self, id: &'static str, mut operation: impl FnMut()) {
        let Some(series) = self.series(id, Timing::Batch) else {
            return;
        };
        for _ in 0..BATCHES {
            let cycles = time_batch(&mut operation);
            series.batches.push(cycles as f64 / BATCH as f64);
            series
                .singles
                .extend((0..BATCH).map(|_| time_one(&mut operation)));
        }
    }

    /// The mean of one batch, whose operations have numbers.
    pub fn mean(&mut self, id: &'static str, mut operation: impl FnMut(usize)) {
        let start = now();
        (0..BATCH).for_each(&mut operation);
        let cycles = now().saturating_sub(start);
        if let Some(series) = self.series(id, Timing::Batch) {
            series.batches.push(cycles as f64 / BATCH as f64);
        }
    }

    /// One batch of single samples, beside [`mean`](Self::mean).
    pub fn singles(&mut self, id: &'static str, mut operation: impl FnMut(usize)) {
        let samples: [u64; BATCH] =
            std::array::from_fn(|number| time_one(&mut || operation(number)));
        if let Some(series) = self.series(id, Timing::Batch) {
            series.singles.extend_from_slice(&samples);
        }
    }

    /// A round of `with` less the same number of `without`, batch by batch.
    pub fn difference(
        &mut self,
        id: &'static str,
        mut with: impl FnMut(),
        mut without: impl FnMut(),
    ) {
        let Some(series) = self.series(id, Timing::Difference) else {
            return;
        };
        for _ in 0..BATCHES {
            let (more, less) = (time_batch(&mut with), time_batch(&mut without));
            series
                .batches
                .push((more as f64 - less as f64) / BATCH as f64);
            series
                .singles
                .extend((0..BATCH).map(|_| time_one(&mut with)));
        }
    }
}

/// The id of the empty measurement, which is always made.
pub const EMPTY: &str = "empty";

#[inline(always)]
fn time_batch(operation: &mut impl FnMut()) -> u64 {
    let start = now();
    for _ in 0..BATCH {
        operation();
    }
    now().saturating_sub(start)
}

#[inline(always)]
fn time_one(operation: &mut impl FnMut()) -> u64 {
    let start = ordered();
    operation();
    ordered().saturating_sub(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fine_figure_is_the_median_batch_less_the_empty_one() {
        let mut book = Book::new(1, "");
        let series = book.series("x", Timing::Each).unwrap();
        for base in [26, 52, 5_000] {
            series.add_batch(&[base, base + 26]);
        }
        let summary = series
            .summary(Empty {
                fine: 30.0,
                single: 26,
            })
            .unwrap();
        assert_eq!((summary.fine, summary.best), (35.0, 9.0));
        assert_eq!(summary.quantiles, [26, 4_974, 4_974]);
        assert_eq!(summary.max, 5_026);
    }

    #[test]
    fn a_stream_counts_each_operation_between_its_stamps() {
        let mut book = Book::new(1, "");
        let series = book.series("x", Timing::Exact).unwrap();
        series.add_stamps(&[(1_000, 0), (1_320, 32), (1_960, 64)]);
        let empty = Empty {
            fine: 5.0,
            single: 5,
        };
        let summary = series.summary(empty).unwrap();
        assert_eq!((summary.fine, summary.max), (15.0, 20));
        assert_eq!(summary.quantiles[0], 10);
    }

    #[test]
    fn a_filter_leaves_out_what_it_does_not_name() {
        let mut book = Book::new(1, "lock");
        book.batch("spawn", || {});
        book.batch("lock.plain", || {});
        assert!(book.get("spawn").is_none() && book.get("lock.plain").is_some());
        assert!(book.series(EMPTY, Timing::Each).is_some());
    }
}
