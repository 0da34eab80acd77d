//! The image's first instructions, from the module's trampoline to Rust.
#![allow(unsafe_code)]

use core::arch::global_asm;
use core::mem::offset_of;

use offsched_abi::image::{PARAMS_ADDRESS, Params};

use crate::stack::PAINT;
use crate::tables::{CODE, DATA, GATES_POINTER, SEGMENTS_POINTER, TASK};

// The module's trampoline jumps here in long mode, with its own page tables, which show the image too. CR0 has PE, PG, WP
// and ET; CR4 has PAE; EFER has LME and NXE; all else is as INIT left it, which leaves the FPU as Linux did.
// Here, before anything else: a stack and the tables, so that a fault or an NMI finds its handler; the gates last, since
// they lead to the task's stacks, and the trampoline's take an NMI until then. Then CR4: MCE (6), since
// without it a machine check resets the machine, OSFXSR (9), OSXMMEXCPT (10); the image's own page tables; CR0: MP and NE,
// EM and TS off; paint for the stack; the FPU in its initial state (SysV ABI 3.2.1).
global_asm!(
    ".section .text.offsched_image_start, \"ax\"",
    ".globl offsched_image_start",
    "offsched_image_start:",
    "lea rsp, [rip + offsched_stack_top]",
    "lgdt [rip + {segments}]",
    "mov eax, {task}",
    "ltr ax",
    "lidt [rip + {gates}]",
    "mov rax, cr4",
    "or eax, 0x640",
    "mov cr4, rax",
    "mov eax, {data}",
    "mov ds, eax",
    "mov es, eax",
    "mov ss, eax",
    "push {code}",
    "lea rax, [rip + 2f]",
    "push rax",
    "retfq",
    "2:",
    "mov rax, [{root}]",
    "mov cr3, rax",
    "mov rax, cr0",
    "and eax, 0xfffffff3",
    "or eax, 0x22",
    "mov cr0, rax",
    "cld",
    "lea rdi, [rip + offsched_stack]",
    "mov rcx, rsp",
    "sub rcx, rdi",
    "shr rcx, 3",
    "mov rax, {paint}",
    "rep stosq",
    "xor ebp, ebp",
    "fninit",
    "push 0x1f80",
    "ldmxcsr [rsp]",
    "add rsp, 8",
    "call offsched_image_main",
    "ud2",
    segments = sym SEGMENTS_POINTER,
    gates = sym GATES_POINTER,
    task = const TASK,
    data = const DATA,
    code = const CODE,
    root = const PARAMS_ADDRESS + offset_of!(Params, root),
    paint = const PAINT,
);
