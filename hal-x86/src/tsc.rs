//! Reading the time stamp counter (TSC).
#![allow(unsafe_code)]

use core::arch::x86_64::{_mm_lfence, _rdtsc};

/// The counter now, in cycles.
///
/// Not a fence: the processor may read the counter a few dozen cycles before
/// the instructions in front of this are done. Two reads on one CPU are in
/// order. That is what a polling loop wants; a measured stretch wants
/// [`read_ordered`].
#[inline(always)]
pub fn read() -> u64 {
    // SAFETY: every x86-64 processor has RDTSC. It traps in user mode only under CR4.TSD, which Linux sets for a
    // process that asks for it (prctl PR_SET_TSC), and then the process ends: nothing is left undefined.
    unsafe { _rdtsc() }
}

/// The counter now, in cycles, read after all earlier instructions are done
/// and before any later one starts (Intel SDM vol. 2B, RDTSC; AMD with LFENCE
/// serialising, as Linux sets it).
#[inline(always)]
pub fn read_ordered() -> u64 {
    // SAFETY: LFENCE is part of SSE2, which every x86-64 processor has; RDTSC as in `read`.
    unsafe {
        _mm_lfence();
        let cycles = _rdtsc();
        _mm_lfence();
        cycles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_goes_forward() {
        let first = read_ordered();
        let second = read_ordered();
        assert!(second >= first && read() > 0);
    }
}
