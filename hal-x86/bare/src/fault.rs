//! The end of an image that failed: a message, the state `crashed`, and a
//! parked processor, which the kernel module takes back.
#![allow(unsafe_code)]

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::boundary::BOUNDARY;
use crate::registers::{disable_interrupts, fault_address, msr, park, wrmsr};

const MACHINE_CHECK: u64 = 18;
const PAGE_FAULT: u64 = 14;
const PAGE_BYTES: u64 = 4096;

/// The registers at a fault, as the stub leaves them.
#[repr(C)]
pub(crate) struct Frame {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rdi: u64,
    rsi: u64,
    rbp: u64,
    rbx: u64,
    rdx: u64,
    rcx: u64,
    rax: u64,
    vector: u64,
    error: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// Publishes why, and ends.
fn crash(why: fmt::Arguments<'_>) -> ! {
    static CRASHING: AtomicBool = AtomicBool::new(false);
    disable_interrupts();
    // A fault on the way would come here again; what was written by then must do.
    if !CRASHING.swap(true, Ordering::Relaxed)
        && let Some(boundary) = BOUNDARY.get()
    {
        let header = boundary.region.header();
        header.crash.write(why);
        // Refused only if the core has ended already, and then there is nobody to tell.
        let _ = header.state.crash();
    }
    park()
}

/// What the image's panic handler calls.
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    crash(format_args!("{info}"))
}

/// Ends the image for a reason that is nobody's panic.
pub(crate) fn refuse(why: &dyn fmt::Display) -> ! {
    crash(format_args!("{why}"))
}

/// Called by the stub, on a stack of its own.
pub(crate) extern "C" fn on_fault(frame: &Frame) -> ! {
    if frame.vector & 0xff == MACHINE_CHECK {
        // SAFETY: a processor that has machine checks has the register. Left set, the next one would reset the machine.
        unsafe { wrmsr(msr::MCG_STATUS, 0) };
    }
    crash(format_args!("{frame}"))
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(self.vector & 0xff))?;
        if self.vector & 0xff == PAGE_FAULT {
            let address = fault_address();
            let what = if is_guard(address) {
                ", stack overflow"
            } else {
                ""
            };
            write!(f, " at {address:#x}{what}")?;
        }
        writeln!(f, ", error {:#x}", self.error)?;
        writeln!(
            f,
            "rip {:016x} rsp {:016x} flags {:x} cs {:x} ss {:x}",
            self.rip, self.rsp, self.rflags, self.cs, self.ss
        )?;
        let registers = [
            ("rax", self.rax),
            ("rbx", self.rbx),
            ("rcx", self.rcx),
            ("rdx", self.rdx),
            ("rsi", self.rsi),
            ("rdi", self.rdi),
            ("rbp", self.rbp),
            ("r8", self.r8),
            ("r9", self.r9),
            ("r10", self.r10),
            ("r11", self.r11),
            ("r12", self.r12),
            ("r13", self.r13),
            ("r14", self.r14),
            ("r15", self.r15),
        ];
        for (index, (name, value)) in registers.into_iter().enumerate() {
            let end = if index % 4 == 3 { '\n' } else { ' ' };
            write!(f, "{name:3} {value:016x}{end}")?;
        }
        Ok(())
    }
}

/// True in the page below the stack.
fn is_guard(address: u64) -> bool {
    unsafe extern "C" {
        static offsched_guard: u8;
    }
    let guard = (&raw const offsched_guard).addr() as u64;
    (guard..guard + PAGE_BYTES).contains(&address)
}

/// The names of Intel SDM vol. 3A, table 7-1.
fn name_of(vector: u64) -> &'static str {
    match vector {
        0 => "divide error",
        1 => "debug exception",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid opcode",
        7 => "device not available",
        8 => "double fault",
        10 => "invalid TSS",
        11 => "segment not present",
        12 => "stack-segment fault",
        13 => "general protection fault",
        PAGE_FAULT => "page fault",
        16 => "x87 floating-point error",
        17 => "alignment check",
        MACHINE_CHECK => "machine check",
        19 => "SIMD floating-point exception",
        20 => "virtualization exception",
        21 => "control protection exception",
        _ => "reserved exception",
    }
}
