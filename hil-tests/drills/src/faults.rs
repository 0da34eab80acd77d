//! The ways to go wrong.
#![allow(unsafe_code)]

use core::arch::asm;
use core::hint::black_box;
use core::ptr::with_exposed_provenance_mut;
use core::sync::atomic::AtomicU32;

use offsched::abi::image::PARAMS_ADDRESS;

/// No page there: below the image.
const NOWHERE: usize = 0x1000;
/// Neither half of the address space.
const NOT_CANONICAL: usize = 0x8000_0000_0000_0000;

pub fn nothing() {}

/// Three interrupts of a vector without a meaning, one NMI.
pub fn strays() {
    // SAFETY: both have handlers that change nothing but a counter; the instruction may use the stack.
    unsafe { asm!("int 0x99", "int 0x99", "int 0x99", "int 2") };
}

/// Its name is looked for in a backtrace.
#[inline(never)]
pub fn panic() {
    panic!("a drill");
}

/// Its name is looked for in a backtrace.
#[inline(never)]
pub fn last_words() {
    panic!("over the wire");
}

pub fn wild_read() {
    let place = with_exposed_provenance_mut::<u64>(NOWHERE);
    // SAFETY: none: the read faults, which is the drill; control does not come back.
    black_box(unsafe { place.read_volatile() });
}

pub fn write_code() {
    let place = (write_code as *const ()).cast_mut().cast::<u8>();
    // SAFETY: none: the write faults, which is the drill; control does not come back.
    unsafe { place.write_volatile(0) };
}

pub fn write_params() {
    let place = with_exposed_provenance_mut::<u64>(PARAMS_ADDRESS);
    // SAFETY: none: the write faults, which is the drill; control does not come back.
    unsafe { place.write_volatile(0) };
}

/// Code if it could be run: RET, four times.
const RETURNS: u32 = 0xc3c3_c3c3;

/// Runs what is in a variable.
pub fn run_data() {
    static VARIABLE: AtomicU32 = AtomicU32::new(RETURNS);
    run(VARIABLE.as_ptr());
}

/// Runs what is on the stack.
pub fn run_stack() {
    let mut local = black_box(RETURNS);
    run(&raw mut local);
}

fn run(code: *mut u32) {
    // SAFETY: none: the call faults, which is the drill; control does not come back.
    unsafe { core::mem::transmute::<*mut u32, extern "C" fn()>(code)() };
}

pub fn divide() {
    // SAFETY: the fault is the drill; control does not come back.
    unsafe {
        asm!("xor edx, edx", "xor ecx, ecx", "div ecx", out("eax") _, out("ecx") _, out("edx") _)
    };
}

pub fn protection() {
    let place = with_exposed_provenance_mut::<u64>(NOT_CANONICAL);
    // SAFETY: none: the read faults, which is the drill; control does not come back.
    black_box(unsafe { place.read_volatile() });
}

/// Vectors above 8 have no gate any more, so a general protection fault becomes a double fault.
pub fn double_fault() {
    let mut gates = [0_u8; 10];
    // SAFETY: SIDT writes ten bytes; LIDT reads as many: the same table, cut behind gate 8. The fault is the drill;
    // control does not come back.
    unsafe {
        asm!("sidt [{0}]", "mov word ptr [{0}], 9*16-1", "lidt [{0}]", in(reg) gates.as_mut_ptr());
    }
    protection();
}

pub fn opcode() {
    // SAFETY: the fault is the drill; control does not come back.
    unsafe { asm!("ud2") };
}

pub fn overflow() {
    deeper(1);
}

#[inline(never)]
fn deeper(level: u64) -> u64 {
    let frame = black_box([level; 64]);
    if black_box(true) {
        deeper(level + 1) + frame[0]
    } else {
        0
    }
}

pub fn wedge() {
    // SAFETY: nothing runs here any more, which is the drill.
    unsafe { asm!("cli", "2:", "pause", "jmp 2b") };
}
