//! The local APIC: end of interrupt, its timer as the alarm (`alarm.rs`), and interrupts to others.
//!
//! Intel SDM vol. 3A, chapter 11 (2023: chapter 10 before). In xAPIC mode the
//! registers are in a page that the module has mapped, in x2APIC mode they are
//! model-specific registers; INIT keeps the mode that Linux chose.
#![allow(unsafe_code)]

use offsched_abi::image::LAPIC_ADDRESS;
use offsched_hal_x86::tsc;

use crate::alarm::AlarmKind;
use crate::registers::{fence_all, msr, rdmsr, without_interrupts, wrmsr};

/// The alarm's vector.
pub(crate) const ALARM_VECTOR: u8 = 0x40;
/// Comes for an interrupt that went away; wants no end-of-interrupt.
pub(crate) const SPURIOUS_VECTOR: u8 = 0xff;

const TASK_PRIORITY: u32 = 0x80;
const END_OF_INTERRUPT: u32 = 0xb0;
const SPURIOUS: u32 = 0xf0;
const COMMAND: u32 = 0x300;
const DESTINATION: u32 = 0x310;
const TIMER: u32 = 0x320;
const INITIAL_COUNT: u32 = 0x380;
const CURRENT_COUNT: u32 = 0x390;
const DIVIDE: u32 = 0x3e0;

const ENABLED: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
const BY_ONE: u32 = 0b1011;
/// Of the timer's entry: it compares with the TSC.
const DEADLINE: u32 = 0b10 << 17;

/// In COMMAND: the last interrupt has not left yet.
const PENDING: u32 = 1 << 12;
/// In COMMAND: as a level, which INIT de-assert alone has not.
const ASSERT: u32 = 1 << 14;
/// Looks at PENDING, at most: it lasts for some hundred cycles.
const PENDING_LOOKS: u32 = 10_000;

/// Bits of IA32_APIC_BASE.
const X2APIC_MODE: u64 = 1 << 10;

/// Pairs of readings tried; the tightest counts.
const PAIR_TRIES: usize = 8;
/// Looks at the counter during calibration, at most: a counter that stands still ends it.
const CALIBRATION_LOOKS: u32 = 100_000_000;

/// The local APIC of this core.
pub(crate) struct Lapic {
    x2apic: bool,
    alarm: AlarmKind,
    /// One-shot: timer counts in a cycle of the TSC, 32 fraction bits.
    counts_per_cycle_q32: u64,
}

impl Lapic {
    /// Enables the local APIC; without TSC deadlines measures its timer against the TSC, for 2 ms.
    ///
    /// # Safety
    /// Once, in ring 0, with the handlers loaded and the page mapped if the mode is xAPIC.
    pub unsafe fn enable(tsc_khz: u64) -> Self {
        // SAFETY: every x86-64 processor has the register.
        let x2apic = unsafe { rdmsr(msr::APIC_BASE) } & X2APIC_MODE != 0;
        let mut lapic = Self {
            x2apic,
            alarm: AlarmKind::of_this_processor(),
            counts_per_cycle_q32: 0,
        };
        lapic.write(TASK_PRIORITY, 0);
        lapic.write(SPURIOUS, ENABLED | u32::from(SPURIOUS_VECTOR));
        match lapic.alarm {
            AlarmKind::OneShot => {
                lapic.write(DIVIDE, BY_ONE);
                lapic.write(TIMER, MASKED | u32::from(ALARM_VECTOR));
                lapic.counts_per_cycle_q32 = lapic.measure(tsc_khz.saturating_mul(2));
                lapic.write(INITIAL_COUNT, 0);
                lapic.write(TIMER, u32::from(ALARM_VECTOR));
            }
            AlarmKind::Deadline => {
                lapic.write(TIMER, DEADLINE | u32::from(ALARM_VECTOR));
                // The mode first (SDM 11.5.4.1): the page and the register are not ordered by themselves.
                fence_all();
                lapic.no_alarm();
            }
        }
        lapic
    }

    fn measure(&self, stretch: u64) -> u64 {
        self.write(INITIAL_COUNT, u32::MAX);
        let first = self.read_pair();
        for _ in 0..CALIBRATION_LOOKS {
            if tsc::read().saturating_sub(first.0) >= stretch {
                break;
            }
        }
        let last = self.read_pair();
        let cycles = last.0.saturating_sub(first.0).max(1);
        // It counts down.
        let counts = u64::from(first.1.saturating_sub(last.1)).max(1);
        ((u128::from(counts) << 32) / u128::from(cycles)) as u64
    }

    /// The TSC and the timer read together.
    fn read_pair(&self) -> (u64, u32) {
        let mut best = (u64::MAX, 0, 0);
        for _ in 0..PAIR_TRIES {
            let before = tsc::read_ordered();
            let count = self.read(CURRENT_COUNT);
            let width = tsc::read_ordered().saturating_sub(before);
            if width < best.0 {
                best = (width, before + width / 2, count);
            }
        }
        (best.1, best.2)
    }

    /// Sets the alarm for that value of the TSC, in place of an earlier one; at
    /// once for one in the past, and early where the timer's 32 bits do not reach.
    pub fn alarm_at(&self, at: u64) {
        match self.alarm {
            AlarmKind::OneShot => {
                let cycles = at.saturating_sub(tsc::read());
                let counts = (u128::from(cycles) * u128::from(self.counts_per_cycle_q32)) >> 32;
                self.write(INITIAL_COUNT, u32::try_from(counts + 1).unwrap_or(u32::MAX));
            }
            AlarmKind::Deadline => set_deadline(at.max(1)),
        }
    }

    /// Takes the alarm back.
    pub fn no_alarm(&self) {
        match self.alarm {
            AlarmKind::OneShot => self.write(INITIAL_COUNT, 0),
            AlarmKind::Deadline => set_deadline(0),
        }
    }

    /// Interrupts another processor, by the physical number of its local APIC.
    pub fn send(&self, vector: u8, apic_id: u32) {
        let command = ASSERT | u32::from(vector);
        if self.x2apic {
            let value = u64::from(apic_id) << 32 | u64::from(command);
            // SAFETY: in this mode the register is there, and takes both halves at once. Its writes are not ordered
            // after those to memory (SDM 11.12.3), so the fence comes first.
            unsafe {
                fence_all();
                wrmsr(msr::X2APIC + (COMMAND >> 4), value);
            }
            return;
        }
        // A handler that sends too must not come between the halves.
        without_interrupts(|| {
            for _ in 0..PENDING_LOOKS {
                if self.read(COMMAND) & PENDING == 0 {
                    break;
                }
            }
            self.write(DESTINATION, apic_id << 24);
            self.write(COMMAND, command);
        });
    }

    /// Ends the interrupt being handled: the next may come.
    pub fn end_of_interrupt(&self) {
        self.write(END_OF_INTERRUPT, 0);
    }

    fn read(&self, register: u32) -> u32 {
        if self.x2apic {
            // SAFETY: in this mode the register is there (SDM table 11-6, and only such are named above).
            unsafe { rdmsr(msr::X2APIC + (register >> 4)) as u32 }
        } else {
            // SAFETY: the module has mapped the page, uncached, for as long as the image runs.
            unsafe { place(register).read_volatile() }
        }
    }

    fn write(&self, register: u32, value: u32) {
        if self.x2apic {
            // SAFETY: as in `read`; the values are those of this module, which owns the local APIC.
            unsafe { wrmsr(msr::X2APIC + (register >> 4), u64::from(value)) };
        } else {
            // SAFETY: as in `read`; the values are those of this module, which owns the local APIC.
            unsafe { place(register).write_volatile(value) };
        }
    }
}

/// The TSC at which the timer goes off; 0: never.
fn set_deadline(at: u64) {
    // SAFETY: the processor has the register: CPUID said so, or `AlarmKind` would be another. It raises the alarm only.
    unsafe { wrmsr(msr::TSC_DEADLINE, at) };
}

fn place(register: u32) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut(LAPIC_ADDRESS + register as usize)
}
