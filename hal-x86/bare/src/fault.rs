//! The end of an image that failed: registers, a backtrace, a message, the
//! state `crashed`, and a parked processor, which the kernel module takes back.
#![allow(unsafe_code)]

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use offsched_abi::header::{CrashKind, Registers, Scene, State};
use offsched_hal_x86::tsc;

use crate::backtrace::walk;
use crate::boundary::{self, BOUNDARY, Boundary};
use crate::interrupt::{NMIS, tell_linux};
use crate::machine_check;
use crate::registers::{disable_interrupts, fault_address, flags, page_tables, park, pointers};
use crate::stack;
use crate::tables::{main_stack, stack_above_guard};
use crate::uart::Said;

const NMI: u64 = 2;
const PAGE_FAULT: u64 = 14;
const MACHINE_CHECK: u64 = 18;

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

impl Frame {
    fn registers(&self) -> Registers {
        Registers {
            rax: self.rax,
            rbx: self.rbx,
            rcx: self.rcx,
            rdx: self.rdx,
            rsi: self.rsi,
            rdi: self.rdi,
            rbp: self.rbp,
            rsp: self.rsp,
            r8: self.r8,
            r9: self.r9,
            r10: self.r10,
            r11: self.r11,
            r12: self.r12,
            r13: self.r13,
            r14: self.r14,
            r15: self.r15,
            rip: self.rip,
            rflags: self.rflags,
            cr2: fault_address(),
            cr3: page_tables(),
            error: self.error,
            vector: self.vector & 0xff,
        }
    }
}

/// Called by the stub, on a stack of its own.
pub(crate) extern "C" fn on_fault(frame: &Frame) -> ! {
    let registers = frame.registers();
    let why = Fault(&registers);
    let scene = scene(CrashKind::Fault, registers);
    if registers.vector == NMI {
        // It did meanwhile, one way or another: that stands.
        if has_ended() {
            park();
        }
        crash(&scene, format_args!("did not end when asked"));
    }
    if registers.vector == MACHINE_CHECK {
        // SAFETY: in its handler.
        let reports = unsafe { machine_check::take() };
        crash(&scene, format_args!("{reports}"));
    }
    crash(&scene, format_args!("{why}"))
}

fn has_ended() -> bool {
    let state = BOUNDARY
        .get()
        .map(|boundary| boundary.region.header().state.get());
    matches!(state, Some(State::Offline | State::Crashed))
}

/// What the image's panic handler calls.
#[inline(never)]
pub fn panicked(info: &PanicInfo<'_>) -> ! {
    crash(&here(CrashKind::Panic), format_args!("{info}"))
}

/// Ends the image for a reason that is nobody's panic.
pub(crate) fn refuse(why: &dyn fmt::Display) -> ! {
    crash(&here(CrashKind::Refused), format_args!("{why}"))
}

/// The scene of a function that calls this, without the registers that it uses itself.
#[inline(always)]
fn here(kind: CrashKind) -> Scene {
    let (rip, rbp, rsp) = pointers();
    let registers = Registers {
        rip,
        rbp,
        rsp,
        rflags: flags(),
        cr3: page_tables(),
        ..Registers::default()
    };
    scene(kind, registers)
}

fn scene(kind: CrashKind, registers: Registers) -> Scene {
    Scene {
        kind,
        tsc: tsc::read(),
        registers,
        trace: walk(registers.rip, registers.rbp),
    }
}

/// Publishes why and where, and ends.
fn crash(scene: &Scene, why: fmt::Arguments<'_>) -> ! {
    static CRASHES: AtomicU32 = AtomicU32::new(0);
    disable_interrupts();
    // A fault on the way comes here again.
    let before = CRASHES.fetch_add(1, Ordering::Relaxed);
    if before == 0 {
        // What a `Display` of the app's own does may fail again: the rest is the same as without a UART.
        let _ = writeln!(Said, "\noffsched: {why}\nrip {:#x}", scene.registers.rip);
    }
    let boundary = BOUNDARY.get().or_else(|| early(before));
    if let Some(boundary) = boundary {
        let header = boundary.region.header();
        if before == 0 {
            header.scene.write(scene);
            header.crash.write(why);
            let telemetry = boundary.region.core();
            let nmis = NMIS.load(Ordering::Relaxed);
            telemetry.nmis.store(nmis, Ordering::Relaxed);
            stack::look_at_all(telemetry);
        } else if header.crash.read().as_str().is_empty() {
            header
                .crash
                .write(format_args!("failed again while it said why"));
        }
        // Refused only if the core has ended already, and then there is nobody to tell.
        let _ = header.state.crash();
        tell_linux();
    }
    park()
}

/// A region for an image that fails before it has made its own: then Linux sees a sign of life, and why it is the last.
fn early(before: u32) -> Option<&'static Boundary> {
    if before > 0 {
        return None;
    }
    // SAFETY: the module starts images.
    let params = unsafe { boundary::params() }?;
    // SAFETY: with interrupts off; what was on its way to make the region does not go on.
    unsafe { boundary::open(params, &[], &[]) }
}

/// A fault in words.
struct Fault<'a>(&'a Registers);

impl fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(registers) = self;
        f.write_str(name_of(registers.vector))?;
        if registers.vector == PAGE_FAULT {
            write!(f, " at {:#x}", registers.cr2)?;
            match stack_above_guard(registers.cr2) {
                Some(stack) if stack == main_stack() => f.write_str(", stack overflow")?,
                Some(_) => f.write_str(", overflow of a handler's stack")?,
                None => {}
            }
        }
        write!(f, ", error {:#x}", registers.error)
    }
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
