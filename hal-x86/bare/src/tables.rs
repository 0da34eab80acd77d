//! GDT, TSS and IDT: where every vector goes, and on which stack.
//!
//! Layouts: Intel SDM vol. 3A, 3.4.5 (descriptors), 6.14.1 (64-bit gates),
//! 7.7 (64-bit TSS).
#![allow(unsafe_code)]

use core::arch::asm;
use core::cell::UnsafeCell;

use crate::stubs::entry;

const CODE: u16 = 0x08;
const DATA: u16 = 0x10;
const TASK: u16 = 0x18;

/// Interrupt stack table entries, 1 to 7; the stack of each vector.
const ENTRY_STACK: u8 = 1;
const FAULT_STACK: u8 = 2;
const NMI_STACK: u8 = 3;
const DOUBLE_FAULT_STACK: u8 = 4;
const MACHINE_CHECK_STACK: u8 = 5;
const STACKS: usize = 5;
/// Bytes of each; faults format a message on theirs.
const STACK_BYTES: usize = 16 * 1024;

#[repr(C, align(16))]
struct Stack([u8; STACK_BYTES]);

#[repr(C, align(16))]
struct Tables {
    gates: [[u64; 2]; 256],
    /// Null, code, data, and the TSS in two.
    segments: [u64; 5],
    /// A 64-bit TSS in words of 32 bits, since its addresses are not aligned.
    task: [u32; 26],
    stacks: [Stack; STACKS],
}

struct Shared(UnsafeCell<Tables>);

// SAFETY: written by `load` before anything else runs on the one core there is; then the processor's.
unsafe impl Sync for Shared {}

static TABLES: Shared = Shared(UnsafeCell::new(Tables {
    gates: [[0; 2]; 256],
    // Present, ring 0, accessed (the processor need not write it); code is 64-bit.
    segments: [0, 0x00af_9b00_0000_ffff, 0x00cf_9300_0000_ffff, 0, 0],
    task: [0; 26],
    stacks: [const { Stack([0; STACK_BYTES]) }; STACKS],
}));

/// The operand of LGDT and LIDT.
#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Gives every vector its handler. Maskable interrupts stay off.
///
/// # Safety
/// Called once, first of all, with interrupts off.
pub(crate) unsafe fn load() {
    // SAFETY: the only reference ever made, by the caller's word; the processor starts to read below.
    let tables = unsafe { &mut *TABLES.0.get() };
    for (vector, gate) in (0..=u8::MAX).zip(&mut tables.gates) {
        *gate = gate_to(entry(vector), stack_of(vector));
    }
    for (index, stack) in tables.stacks.iter().enumerate() {
        let top = (&raw const *stack).addr() as u64 + STACK_BYTES as u64;
        // The table begins at byte 36, 8 bytes each.
        tables.task[9 + 2 * index] = top as u32;
        tables.task[10 + 2 * index] = (top >> 32) as u32;
    }
    // The I/O map's offset, in the top half: beyond the limit, so there is none.
    tables.task[25] = (size_of_val(&tables.task) as u32) << 16;
    [tables.segments[3], tables.segments[4]] = task_descriptor(
        tables.task.as_ptr().addr() as u64,
        size_of_val(&tables.task) as u64 - 1,
    );
    let segments = Pointer {
        limit: size_of_val(&tables.segments) as u16 - 1,
        base: tables.segments.as_ptr().addr() as u64,
    };
    let gates = Pointer {
        limit: size_of_val(&tables.gates) as u16 - 1,
        base: tables.gates.as_ptr().addr() as u64,
    };
    // SAFETY: the tables are static and filled. The far return goes to the next instruction with the new code segment,
    // which is 64-bit like the old one; data segments have no base in 64-bit mode.
    unsafe {
        asm!(
            "lgdt [{segments}]",
            "mov ds, {data:x}",
            "mov es, {data:x}",
            "mov ss, {data:x}",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            "ltr {task:x}",
            "lidt [{gates}]",
            segments = in(reg) &raw const segments,
            gates = in(reg) &raw const gates,
            code = const CODE,
            data = in(reg) DATA,
            task = in(reg) TASK,
            scratch = out(reg) _,
        );
    }
}

fn stack_of(vector: u8) -> u8 {
    match vector {
        2 => NMI_STACK,
        8 => DOUBLE_FAULT_STACK,
        18 => MACHINE_CHECK_STACK,
        0..32 => FAULT_STACK,
        32.. => ENTRY_STACK,
    }
}

/// A present 64-bit interrupt gate: interrupts are off in the handler.
const fn gate_to(address: u64, stack: u8) -> [u64; 2] {
    const PRESENT_INTERRUPT: u64 = 0x8e << 40;
    let low = address & 0xffff | (CODE as u64) << 16 | (stack as u64) << 32 | PRESENT_INTERRUPT;
    [low | (address >> 16 & 0xffff) << 48, address >> 32]
}

/// A present, available 64-bit TSS.
const fn task_descriptor(base: u64, limit: u64) -> [u64; 2] {
    const PRESENT_TASK: u64 = 0x89 << 40;
    let low = limit & 0xffff | (base & 0xff_ffff) << 16 | PRESENT_TASK;
    [low | (base >> 24 & 0xff) << 56, base >> 32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_holds_its_address_in_three_parts() {
        assert_eq!(
            gate_to(0x1122_3344_5566_7788, 3),
            [0x5566_8e03_0008_7788, 0x1122_3344]
        );
    }

    #[test]
    fn a_task_descriptor_holds_its_base_in_three_parts() {
        assert_eq!(
            task_descriptor(0x1122_3344_5566_7788, 0x67),
            [0x5500_8966_7788_0067, 0x1122_3344]
        );
    }
}
