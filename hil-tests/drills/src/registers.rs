//! A stretch of code that has something in every register that a called
//! function may change, and in all of the red zone.
#![allow(unsafe_code)]

use core::arch::asm;

/// Turns of the loop in the middle.
const TURNS: u64 = 20_000;

/// Fills the registers and the 128 bytes below the stack pointer, waits a
/// while, and looks whether all is as it was.
#[inline(never)]
pub fn kept() -> bool {
    let wrong: u64;
    // SAFETY: without `nostack`, what is below the stack pointer is the block's own; the registers are declared.
    unsafe {
        asm!(
            // The red zone: 16 words, each its own address.
            "mov ecx, 16",
            "2:",
            "mov rax, rcx",
            "neg rax",
            "lea rdx, [rsp + rax*8]",
            "mov [rdx], rdx",
            "loop 2b",
            "mov eax, 0x101",
            "mov edx, 0x102",
            "mov esi, 0x103",
            "mov edi, 0x104",
            "mov r8d, 0x105",
            "mov r9d, 0x106",
            "mov r10d, 0x107",
            "mov r11d, 0x108",
            "mov rcx, {turns}",
            "3:",
            "dec rcx",
            "jnz 3b",
            // Each difference is a bit that stays.
            "xor eax, 0x101",
            "xor edx, 0x102",
            "or rax, rdx",
            "xor esi, 0x103",
            "or rax, rsi",
            "xor edi, 0x104",
            "or rax, rdi",
            "xor r8d, 0x105",
            "or rax, r8",
            "xor r9d, 0x106",
            "or rax, r9",
            "xor r10d, 0x107",
            "or rax, r10",
            "xor r11d, 0x108",
            "or rax, r11",
            "mov ecx, 16",
            "4:",
            "mov rdx, rcx",
            "neg rdx",
            "lea rdx, [rsp + rdx*8]",
            "mov rsi, [rdx]",
            "xor rsi, rdx",
            "or rax, rsi",
            "loop 4b",
            turns = const TURNS,
            out("rax") wrong, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    wrong == 0
}
