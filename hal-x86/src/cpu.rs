//! What the processor says about its counter, by CPUID.
//!
//! Sources: Intel SDM vol. 3B 19.17 "Time-Stamp Counter"; vol. 2A CPUID leaves
//! 15H and 16H; AMD APM vol. 3 appendix E (leaf 8000_0007H); the hypervisor
//! leaves 4000_0000H and 4000_0010H as VMware and KVM define them.

use core::arch::x86_64::__cpuid;

const LEAF_FEATURES: u32 = 1;
const LEAF_TSC: u32 = 0x15;
const LEAF_FREQUENCY: u32 = 0x16;
const LEAF_HYPERVISOR: u32 = 0x4000_0000;
const LEAF_HYPERVISOR_TIMING: u32 = 0x4000_0010;
const LEAF_EXTENDED: u32 = 0x8000_0000;
const LEAF_POWER: u32 = 0x8000_0007;

/// True if the TSC runs at one rate in all power and clock states.
pub fn has_invariant_tsc() -> bool {
    __cpuid(LEAF_EXTENDED).eax >= LEAF_POWER && __cpuid(LEAF_POWER).edx & (1 << 8) != 0
}

/// True if a hypervisor says that it is there.
pub fn has_hypervisor() -> bool {
    __cpuid(LEAF_FEATURES).ecx & (1 << 31) != 0
}

/// The TSC's frequency in Hz as the processor or the hypervisor states it;
/// `None` if neither does, and then it must be measured.
///
/// Leaf 15H with the crystal's frequency is exact. Without it, leaf 16H has the
/// base frequency in MHz, at which the TSC of those processors runs; under a
/// hypervisor its own leaf counts, in kHz.
pub fn stated_tsc_hz() -> Option<u64> {
    let last = __cpuid(0).eax;
    let leaf = |number: u32| {
        let found = __cpuid(number);
        [found.eax, found.ebx, found.ecx]
    };
    let ratio = (last >= LEAF_TSC).then(|| leaf(LEAF_TSC));
    let base = (last >= LEAF_FREQUENCY).then(|| leaf(LEAF_FREQUENCY));
    let timing = (has_hypervisor() && __cpuid(LEAF_HYPERVISOR).eax >= LEAF_HYPERVISOR_TIMING)
        .then(|| leaf(LEAF_HYPERVISOR_TIMING));
    hz_from(ratio, base, timing)
}

/// The frequency from the leaves [eax, ebx, ecx], where they exist.
fn hz_from(
    ratio: Option<[u32; 3]>,
    base: Option<[u32; 3]>,
    timing: Option<[u32; 3]>,
) -> Option<u64> {
    if let Some([khz, ..]) = timing
        && khz != 0
    {
        return Some(u64::from(khz) * 1_000);
    }
    let [denominator, numerator, crystal] = ratio?;
    if denominator == 0 || numerator == 0 {
        return None;
    }
    if crystal != 0 {
        return Some(u64::from(crystal) * u64::from(numerator) / u64::from(denominator));
    }
    let mhz = base?[0] & 0xffff;
    (mhz != 0).then(|| u64::from(mhz) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crystal_and_a_ratio_give_the_frequency() {
        // Skylake-SP: 25 MHz crystal, ratio 176/2.
        assert_eq!(
            hz_from(Some([2, 176, 25_000_000]), None, None),
            Some(2_200_000_000)
        );
    }

    #[test]
    fn without_the_crystal_the_base_frequency_counts() {
        assert_eq!(
            hz_from(Some([2, 184, 0]), Some([2_200, 3_000, 100]), None),
            Some(2_200_000_000)
        );
        assert_eq!(hz_from(Some([2, 184, 0]), Some([0, 0, 0]), None), None);
    }

    #[test]
    fn empty_leaves_state_nothing_and_a_hypervisor_comes_first() {
        assert_eq!(hz_from(None, Some([2_200, 0, 0]), None), None);
        assert_eq!(hz_from(Some([0, 0, 0]), None, None), None);
        assert_eq!(
            hz_from(
                Some([2, 176, 25_000_000]),
                None,
                Some([2_599_998, 1_000_000, 0])
            ),
            Some(2_599_998_000)
        );
    }

    #[test]
    fn this_processor_can_be_asked() {
        if let Some(hz) = stated_tsc_hz() {
            assert!((100_000_000..100_000_000_000).contains(&hz));
        }
        let _ = (has_invariant_tsc(), has_hypervisor());
    }
}
