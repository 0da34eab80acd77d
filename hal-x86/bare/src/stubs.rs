//! One entry for each vector, and the ways from there to Rust.
//!
//! Entries are 16 bytes apart, from an address that the linker's script fixes,
//! so the IDT is filled by counting (`tables.rs`). Each leaves the stack the same, from its top: vector, error code (or 0), then what the
//! processor pushed: RIP, CS, RFLAGS, RSP, SS.
#![allow(unsafe_code)]

use core::arch::global_asm;

use offsched_abi::image::DUMP_ADDRESS;

use crate::fault::on_fault;
use crate::interrupt::{NMIS, on_interrupt};

// Vectors for which the processor pushes an error code: 8, 10-14, 17, 21, 29, 30 (Intel SDM vol. 3A, table 7-1; AMD APM
// vol. 2, table 8-1). 0x6a is PUSH with a sign-extended byte: what is read back is the low byte.
global_asm!(
    ".section .text.offsched_entries, \"ax\"",
    ".balign 16",
    ".globl offsched_entries",
    "offsched_entries:",
    ".set vector, 0",
    ".rept 256",
    ".balign 16",
    ".if vector == 2",
    "jmp offsched_nmi",
    ".elseif vector >= 32",
    "push 0",
    ".byte 0x6a, vector",
    "jmp offsched_maskable",
    ".else",
    ".if !((0x60227d00 >> vector) & 1)",
    "push 0",
    ".endif",
    ".byte 0x6a, vector",
    "jmp offsched_fault",
    ".endif",
    ".set vector, vector + 1",
    ".endr",
);

// An NMI can come anywhere, and is only counted; unless Linux wants to know where the core is, which did not end when it
// was asked: then it is the last fault. It must not fault itself, since its IRET would unblock NMIs; the parameters are
// mapped wherever this is.
global_asm!(
    ".section .text.offsched_nmi, \"ax\"",
    "offsched_nmi:",
    "lock inc qword ptr [rip + {nmis}]",
    "cmp dword ptr [{dump}], 0",
    "jne 2f",
    "iretq",
    "2:",
    "push 0",
    "push 2",
    "jmp offsched_fault",
    nmis = sym NMIS,
    dump = const DUMP_ADDRESS,
);

// A fault never returns: all registers, for the record, and the address of that as the argument.
global_asm!(
    ".section .text.offsched_fault, \"ax\"",
    "offsched_fault:",
    "push rax",
    "push rcx",
    "push rdx",
    "push rbx",
    "push rbp",
    "push rsi",
    "push rdi",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov rdi, rsp",
    "and rsp, -16",
    "cld",
    "call {on_fault}",
    "ud2",
    on_fault = sym on_fault,
);

// A maskable interrupt. On the entry stack, with interrupts off:
//   [rsp] vector, +8 error, +16 RIP, +24 CS, +32 RFLAGS, +40 RSP, +48 SS
// After the two pushes all of that is 16 further up. The interrupted stack gets, below its red zone and aligned to 16: the
// processor's five words, RBP below RIP as in any frame, so that a backtrace goes on there, and the registers that the C ABI
// lets a callee change; then 512 bytes for FXSAVE. 5 + 1 + 9 words and 8 bytes of padding are 128, so FXSAVE's area and the
// call's stack are aligned too.
global_asm!(
    ".section .text.offsched_maskable, \"ax\"",
    "offsched_maskable:",
    "push rax",
    "push rcx",
    "mov rax, [rsp + 56]",
    "sub rax, 128",
    "and rax, -16",
    "mov rcx, [rsp + 64]",
    "mov [rax - 8], rcx",
    "mov rcx, [rsp + 56]",
    "mov [rax - 16], rcx",
    "mov rcx, [rsp + 48]",
    "mov [rax - 24], rcx",
    "mov rcx, [rsp + 40]",
    "mov [rax - 32], rcx",
    "mov rcx, [rsp + 32]",
    "mov [rax - 40], rcx",
    "mov [rax - 48], rbp",
    "mov rcx, [rsp + 8]",
    "mov [rax - 56], rcx",
    "mov rcx, [rsp]",
    "mov [rax - 64], rcx",
    "movzx ecx, byte ptr [rsp + 16]",
    // From here on the entry stack is free for the next.
    "lea rsp, [rax - 64]",
    "lea rbp, [rax - 48]",
    "push rdx",
    "push rsi",
    "push rdi",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "mov edi, ecx",
    "sub rsp, 520",
    "fxsave64 [rsp]",
    "cld",
    "call {on_interrupt}",
    "fxrstor64 [rsp]",
    "add rsp, 520",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rdi",
    "pop rsi",
    "pop rdx",
    "pop rcx",
    "pop rax",
    "pop rbp",
    "iretq",
    on_interrupt = sym on_interrupt,
);
