//! Samples of one figure.

use core::fmt::Write;

use offsched::Console;
use offsched_hal_x86::tsc;

/// Samples of each figure. Odd, so that one is in the middle.
pub const SAMPLES: usize = 61;

/// Samples of one figure, cycles.
pub struct Samples {
    values: [u64; SAMPLES],
    count: usize,
}

impl Samples {
    pub const fn new() -> Self {
        Self {
            values: [0; SAMPLES],
            count: 0,
        }
    }

    /// One call, without the cost of the two reads around it.
    pub fn of(mut sample: impl FnMut() -> u64) -> Self {
        let mut samples = Self::new();
        while !samples.full() {
            samples.add(sample());
        }
        samples
    }

    pub fn add(&mut self, cycles: u64) {
        if let Some(value) = self.values.get_mut(self.count) {
            *value = cycles;
            self.count += 1;
        }
    }

    pub fn full(&self) -> bool {
        self.count == SAMPLES
    }

    /// The one in the middle: the turns that Linux's processor takes in between make some samples long.
    pub fn median(&self) -> u64 {
        let mut sorted = self.values;
        sorted.sort_unstable();
        sorted[SAMPLES / 2]
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// Prints the least sample, less what was measured along with it.
    pub fn print_least(&self, console: &mut Console<'_>, name: &str, less: u64) {
        let least = self.values.iter().min().map_or(0, |least| *least);
        let _ = writeln!(console, "{name} {}", least.saturating_sub(less));
    }

    /// Prints the figure, less what was measured along with it.
    pub fn print(&self, console: &mut Console<'_>, name: &str, less: u64) {
        // The console takes every line; its type says that it might not.
        let _ = writeln!(console, "{name} {}", self.median().saturating_sub(less));
    }
}

/// Cycles that `body` takes, two reads of the counter included.
#[inline(always)]
pub fn bracket(body: impl FnOnce()) -> u64 {
    let start = tsc::read();
    body();
    tsc::read().saturating_sub(start)
}
