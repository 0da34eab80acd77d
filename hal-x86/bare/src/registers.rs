//! The instructions that only ring 0 has.
#![allow(unsafe_code)]

use core::arch::asm;

/// Model-specific registers used here (Intel SDM vol. 4).
pub(crate) mod msr {
    pub const APIC_BASE: u32 = 0x1b;
    pub const MCG_CAP: u32 = 0x179;
    pub const MCG_STATUS: u32 = 0x17a;
    pub const PAT: u32 = 0x277;
    pub const MC0_CTL: u32 = 0x400;
    pub const TSC_DEADLINE: u32 = 0x6e0;
    pub const X2APIC: u32 = 0x800;
}

/// Reads a model-specific register.
///
/// # Safety
/// The processor has it.
pub(crate) unsafe fn rdmsr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: ring 0; the register exists by the caller's word.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high,
            options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a model-specific register.
///
/// # Safety
/// The processor has it, and the value breaks nothing that other code relies on.
pub(crate) unsafe fn wrmsr(register: u32, value: u64) {
    // SAFETY: ring 0; the caller vouches for register and value. Not `nomem`: what was written before stays before.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") value as u32, in("edx") (value >> 32) as u32,
            options(nostack, preserves_flags));
    }
}

/// All that was written is seen, and all before is done, before any instruction after it.
pub(crate) fn fence_all() {
    // SAFETY: only orders. Not `nomem`: that is the point.
    unsafe { asm!("mfence", "lfence", options(nostack, preserves_flags)) };
}

/// The address of the last page fault.
pub(crate) fn fault_address() -> u64 {
    let address;
    // SAFETY: reading CR2 changes nothing.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}

/// The page tables in use, as CR3 has them.
pub(crate) fn page_tables() -> u64 {
    let root;
    // SAFETY: reading CR3 changes nothing.
    unsafe { asm!("mov {}, cr3", out(reg) root, options(nomem, nostack, preserves_flags)) };
    root
}

/// RFLAGS.
pub(crate) fn flags() -> u64 {
    let flags;
    // SAFETY: reads the flags by way of the stack, which asm without `nostack` may use.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags, options(preserves_flags)) };
    flags
}

/// RIP, RBP and RSP of the function that calls this.
#[inline(always)]
pub(crate) fn pointers() -> (u64, u64, u64) {
    let (rip, rbp, rsp);
    // SAFETY: copies registers.
    unsafe {
        asm!("lea {}, [rip]", "mov {}, rbp", "mov {}, rsp", out(reg) rip, out(reg) rbp, out(reg) rsp,
            options(nomem, nostack, preserves_flags));
    }
    (rip, rbp, rsp)
}

/// Reads an I/O port.
///
/// # Safety
/// The device there does no harm when it is read.
pub(crate) unsafe fn read_port(port: u16) -> u8 {
    let value;
    // SAFETY: ring 0; the caller vouches for the device.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nostack, preserves_flags)) };
    value
}

/// Writes an I/O port.
///
/// # Safety
/// The device there does nothing with it that other code would not expect.
pub(crate) unsafe fn write_port(port: u16, value: u8) {
    // SAFETY: ring 0; the caller vouches for the device.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nostack, preserves_flags)) };
}

/// Lets interrupts in.
///
/// # Safety
/// The tables are loaded, and the caller's stack has room for a handler.
pub(crate) unsafe fn enable_interrupts() {
    // SAFETY: by the caller's word. Not `nomem`: a handler touches memory.
    unsafe { asm!("sti", options(nostack)) };
}

/// Keeps interrupts out.
pub(crate) fn disable_interrupts() {
    // SAFETY: ring 0; only delays interrupts. Not `nomem`: a handler's accesses stay before.
    unsafe { asm!("cli", options(nostack)) };
}

/// Runs `body` with interrupts off, and leaves them as they were.
pub(crate) fn without_interrupts<R>(body: impl FnOnce() -> R) -> R {
    const INTERRUPTS: u64 = 1 << 9;
    let flags: u64;
    // SAFETY: reads the flags by way of the stack, which asm without `nostack` may use; CLI as above.
    unsafe { asm!("pushfq", "pop {}", "cli", out(reg) flags) };
    let result = body();
    if flags & INTERRUPTS != 0 {
        // SAFETY: they were enabled before, so handlers were welcome here.
        unsafe { enable_interrupts() };
    }
    result
}

/// Enables interrupts and halts until one has been handled. None is lost in
/// between: STI takes effect after the next instruction (Intel SDM vol. 2, STI).
///
/// # Safety
/// As [`enable_interrupts`].
pub(crate) unsafe fn wait_for_interrupt() {
    // SAFETY: by the caller's word.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Stops for good: only INIT, which the kernel module sends, ends this.
pub(crate) fn park() -> ! {
    loop {
        // SAFETY: with interrupts off nothing runs here any more; an NMI's handler returns to the loop.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
