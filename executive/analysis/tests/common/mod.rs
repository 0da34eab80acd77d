//! What the tests with random sets share.

/// A small generator of pseudo-random numbers (Knuth's MMIX constants).
pub struct Random(pub u64);

impl Random {
    /// A number in `least..=most`.
    pub fn within(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        least + (self.0 >> 33) % (most - least + 1)
    }
}
