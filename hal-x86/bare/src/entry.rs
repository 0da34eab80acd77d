//! The image's first instructions, from the module's trampoline to Rust.
#![allow(unsafe_code)]

use core::arch::global_asm;
use core::mem::offset_of;

use offsched_abi::image::{PARAMS_ADDRESS, Params};

// The module's trampoline jumps here in long mode, with its own page tables, which show the image too. CR0 has PE, PG, WP
// and ET; CR4 has PAE; EFER has LME and NXE; all else is as INIT left it, which leaves the FPU as Linux did.
// Here: the image's own tables; CR0: MP and NE, EM and TS off; CR4: OSFXSR (9), OSXMMEXCPT (10), MCE (6), since without
// MCE a machine check resets the machine; the stack; the FPU in its initial state (SysV ABI 3.2.1).
global_asm!(
    ".section .text.offsched_image_start, \"ax\"",
    ".globl offsched_image_start",
    "offsched_image_start:",
    "mov rax, [{root}]",
    "mov cr3, rax",
    "mov rax, cr0",
    "and eax, 0xfffffff3",
    "or eax, 0x22",
    "mov cr0, rax",
    "mov rax, cr4",
    "or eax, 0x640",
    "mov cr4, rax",
    "lea rsp, [rip + offsched_stack_top]",
    "xor ebp, ebp",
    "fninit",
    "push 0x1f80",
    "ldmxcsr [rsp]",
    "add rsp, 8",
    "cld",
    "call offsched_image_main",
    "ud2",
    root = const PARAMS_ADDRESS + offset_of!(Params, root),
);
