//! Cycles of the TSC, and what one reading of it is worth.
//!
//! On many machines the counter advances in steps (26 cycles on one that this
//! was written on), so a single sample is a multiple of the step. A mean over
//! a batch is finer: the steps fall anywhere within the batch.

use std::collections::BTreeMap;

use offsched_hal_x86::tsc;

/// The counter now, in cycles. Not a fence, like the executive's own reading.
#[inline(always)]
pub fn now() -> u64 {
    tsc::read()
}

/// The counter now, in cycles, read after everything before it is done and
/// before anything behind it starts.
#[inline(always)]
pub fn ordered() -> u64 {
    tsc::read_ordered()
}

/// Differences longer than this are interruptions, not the counter's own.
const STEP_MAX: u64 = 10_000;
const STEP_READS: u64 = 20_000;
/// This share of all differences lies on multiples of a step, if there is one.
const STEP_SHARE: f64 = 0.95;

/// The step in which the counter advances, in cycles; 1 if it counts each.
///
/// Reads with a varying distance between them: a counter that advances in steps
/// shows multiples of the step only, give or take one cycle a step where the
/// step is no whole number.
pub fn step() -> u64 {
    let reads: Vec<u64> = (0..STEP_READS)
        .map(|read| {
            for turn in 0..read % 16 {
                std::hint::black_box(turn);
            }
            now()
        })
        .collect();
    let differences = reads.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    step_of(
        &differences
            .filter(|d| (1..STEP_MAX).contains(d))
            .collect::<Vec<_>>(),
    )
}

fn step_of(differences: &[u64]) -> u64 {
    let mut counts = BTreeMap::new();
    // One or two cycles: a counter that steps may still be moved on by so much, to be above its last reading.
    for difference in differences.iter().filter(|d| **d > 2) {
        *counts.entry(*difference).or_insert(0usize) += 1;
    }
    let Some((&step, _)) = counts.iter().max_by_key(|(_, count)| **count) else {
        return 1;
    };
    let near = counts
        .iter()
        .filter(|(difference, _)| **difference < 8 * step);
    let (mut all, mut multiples) = (0, 0);
    for (difference, count) in near {
        let times = (difference + step / 2) / step;
        all += count;
        multiples += if times > 0 && difference.abs_diff(times * step) <= times {
            *count
        } else {
            0
        };
    }
    if multiples as f64 >= all as f64 * STEP_SHARE {
        step
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_where_there_is_one() {
        assert_eq!(step_of(&[26, 26, 25, 1, 26, 52, 51, 130]), 26);
        assert_eq!(step_of(&[18, 20, 21, 23, 24, 29, 31, 40]), 1);
        assert_eq!(step_of(&[]), 1);
        assert!(step() >= 1);
    }
}
