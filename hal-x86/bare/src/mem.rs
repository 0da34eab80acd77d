//! What compiled code calls without saying so: the C library's memory
//! functions, and two symbols of the unwinder, which is not there.
#![allow(unsafe_code)]

use core::arch::asm;

/// Copies `bytes` bytes; the areas do not overlap.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    // SAFETY: the caller vouches for both areas; the direction flag is clear (SysV ABI 3.2.1).
    unsafe {
        asm!("rep movsb", inout("rcx") bytes => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    to
}

/// Copies `bytes` bytes; the areas may overlap.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    if to.addr().wrapping_sub(from.addr()) >= bytes {
        // SAFETY: forwards, no byte is overwritten before it was read.
        return unsafe { memcpy(to, from, bytes) };
    }
    // SAFETY: backwards from the last byte (bytes is not 0 here), no byte is overwritten before it was read; the
    // direction flag is put back.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") bytes => _,
            inout("rdi") to.add(bytes - 1) => _, inout("rsi") from.add(bytes - 1) => _,
            options(nostack));
    }
    to
}

/// Sets `bytes` bytes.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, bytes: usize) -> *mut u8 {
    // SAFETY: as in `memcpy`.
    unsafe {
        asm!("rep stosb", inout("rcx") bytes => _, inout("rdi") to => _, in("al") value as u8,
            options(nostack, preserves_flags));
    }
    to
}

/// Compares `bytes` bytes: the difference of the first two that differ, or 0.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, bytes: usize) -> i32 {
    let (left, right): (u32, u32);
    // SAFETY: the caller vouches for both areas. After the loop the pointers are behind the last bytes compared, which
    // are read again only if there were any.
    unsafe {
        asm!(
            "xor eax, eax",
            "xor edx, edx",
            "test rcx, rcx",
            "jz 2f",
            "repe cmpsb",
            "movzx eax, byte ptr [rsi - 1]",
            "movzx edx, byte ptr [rdi - 1]",
            "2:",
            inout("rcx") bytes => _, inout("rsi") one => _, inout("rdi") other => _,
            out("eax") left, out("edx") right,
            options(nostack, readonly),
        );
    }
    left as i32 - right as i32
}

/// Compares `bytes` bytes: 0 if they are equal.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, bytes: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { memcmp(one, other, bytes) }
}

/// Named by precompiled code, called by none of it: panics abort.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Named by precompiled code, called by none of it: panics abort.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::registers::park()
}
