//! Which timer the alarm is: the TSC's own deadline where there is one, else
//! the local APIC's count.
//!
//! Intel SDM vol. 3A, 11.5.4.1. TCG has no deadline; processors since about
//! 2011 have.

use core::arch::x86_64::__cpuid;

const LEAF_FEATURES: u32 = 1;
const TSC_DEADLINE: u32 = 1 << 24;

/// How the alarm is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlarmKind {
    /// A count of the local APIC's clock, 32 bits of it: measured against the TSC first.
    OneShot,
    /// A value of the TSC.
    Deadline,
}

impl AlarmKind {
    /// What this processor has.
    pub fn of_this_processor() -> Self {
        Self::of_features(__cpuid(LEAF_FEATURES).ecx)
    }

    /// From ECX of CPUID leaf 1.
    fn of_features(ecx: u32) -> Self {
        if ecx & TSC_DEADLINE != 0 {
            Self::Deadline
        } else {
            Self::OneShot
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_is_taken_where_cpuid_has_it() {
        // A Xeon of 2019, and QEMU's software emulation.
        assert_eq!(AlarmKind::of_features(0xfffa_3203), AlarmKind::Deadline);
        assert_eq!(AlarmKind::of_features(0xf6f8_3203), AlarmKind::OneShot);
        assert_eq!(AlarmKind::of_features(1 << 24), AlarmKind::Deadline);
        assert_eq!(AlarmKind::of_features(!(1 << 24)), AlarmKind::OneShot);
    }
}
