//! What the processor's banks say about a machine check.
//!
//! Intel SDM vol. 3B, 16.3 (registers), 16.10.4 (a handler that cannot recover).
#![allow(unsafe_code)]

use core::fmt;

use crate::registers::{msr, rdmsr, wrmsr};

const VALID: u64 = 1 << 63;
const HAS_ADDRESS: u64 = 1 << 58;
/// Banks looked at, at most.
const BANKS_MAX: u32 = 32;
/// Banks told of.
const REPORTS: usize = 4;

/// One bank's word.
#[derive(Clone, Copy)]
struct Report {
    bank: u32,
    status: u64,
    address: Option<u64>,
}

/// What the banks said.
pub(crate) struct Reports([Option<Report>; REPORTS]);

/// Reads the banks and clears them and MCG_STATUS: left set, the next machine check would reset
/// the machine, and Linux would find this one and take it for its own.
///
/// # Safety
/// In the machine check's handler: so the processor has the registers.
pub(crate) unsafe fn take() -> Reports {
    // SAFETY: by the caller's word.
    let banks = (unsafe { rdmsr(msr::MCG_CAP) } & 0xff) as u32;
    let mut reports = Reports([None; REPORTS]);
    let mut places = reports.0.iter_mut();
    for bank in 0..banks.min(BANKS_MAX) {
        let first = msr::MC0_CTL + 4 * bank;
        // SAFETY: the processor has as many banks as it says, four registers each; the address is read only where the
        // status says that there is one. Zero is the one value that a status may be written with.
        let report = unsafe {
            let status = rdmsr(first + 1);
            if status & VALID == 0 {
                continue;
            }
            let address = (status & HAS_ADDRESS != 0).then(|| rdmsr(first + 2));
            wrmsr(first + 1, 0);
            Report {
                bank,
                status,
                address,
            }
        };
        if let Some(place) = places.next() {
            *place = Some(report);
        }
    }
    // SAFETY: as above; the banks are clear, so another machine check may come.
    unsafe { wrmsr(msr::MCG_STATUS, 0) };
    reports
}

impl fmt::Display for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("machine check")?;
        if self.0[0].is_none() {
            f.write_str(", and no bank says why")?;
        }
        for report in self.0.iter().flatten() {
            write!(f, ", bank {} status {:#x}", report.bank, report.status)?;
            if let Some(address) = report.address {
                write!(f, " address {address:#x}")?;
            }
        }
        Ok(())
    }
}
