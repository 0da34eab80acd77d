//! GDT, TSS and IDT: where every vector goes, and on which stack.
//!
//! All of them are constants, laid out by the linker's script at addresses
//! that are known here, so that the image's first instructions can load them:
//! whatever comes after those has a handler.
//!
//! Layouts: Intel SDM vol. 3A, 3.4.5 (descriptors), 6.14.1 (64-bit gates),
//! 7.7 (64-bit TSS).
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::ops::Range;

use offsched_abi::PAGE_BYTES;
use offsched_abi::image::IMAGE_BASE;

/// Selectors. Those of code and data are the trampoline's too, so that an interrupt between
/// loading the table and loading the segments finds the same.
pub(crate) const DATA: u16 = 0x10;
pub(crate) const CODE: u16 = 0x18;
pub(crate) const TASK: u16 = 0x20;

/// Interrupt stack table entries, 1 to 7; the stack of each vector.
const ENTRY_STACK: u8 = 1;
const FAULT_STACK: u8 = 2;
const NMI_STACK: u8 = 3;
const DOUBLE_FAULT_STACK: u8 = 4;
const MACHINE_CHECK_STACK: u8 = 5;
const STACKS: usize = 5;

// As in link.ld, which checks them.
const STACK_BYTES: usize = 16 * 1024;
const STACK_STRIDE: usize = STACK_BYTES + PAGE_BYTES;
const TASK_ADDRESS: u64 = IMAGE_BASE + 0x1000;
const ENTRIES_ADDRESS: u64 = IMAGE_BASE + 0x2000;
/// Distance of two entries in `stubs.rs`, bytes.
const ENTRY_BYTES: u64 = 16;

unsafe extern "C" {
    /// The page below the first of the stacks; the others follow.
    static offsched_stacks: u8;
    static offsched_stack: u8;
    static offsched_stack_top: u8;
}

type Gates = [[u64; 2]; 256];

#[unsafe(link_section = ".offsched.gates")]
static GATES: Gates = gates();

/// A 64-bit TSS: the stacks' tops, and no I/O map.
#[repr(C, packed(4))]
struct Task {
    reserved: u32,
    privileged: [u64; 3],
    reserved1: u64,
    stacks: [*const u8; 7],
    reserved2: [u32; 2],
    reserved3: u16,
    io_map: u16,
}

const _: () = assert!(size_of::<Task>() == 104 && size_of::<Gates>() == 0x1000);

// SAFETY: a constant; its pointers are for the processor.
unsafe impl Sync for Task {}

#[unsafe(link_section = ".offsched.task")]
#[cfg_attr(not(test), used)]
#[cfg_attr(test, allow(dead_code))]
static TASK_STATE: Task = Task {
    reserved: 0,
    privileged: [0; 3],
    reserved1: 0,
    stacks: [
        top(1),
        top(2),
        top(3),
        top(4),
        top(5),
        core::ptr::null(),
        core::ptr::null(),
    ],
    reserved2: [0; 2],
    reserved3: 0,
    io_map: size_of::<Task>() as u16,
};

/// The segments. Writable: LTR marks the TSS as busy.
#[repr(C, align(16))]
struct Segments(UnsafeCell<[u64; 6]>);

// SAFETY: the processor's alone, once it is loaded; no reference is ever made.
unsafe impl Sync for Segments {}

const TASK_DESCRIPTOR: [u64; 2] = task_descriptor(TASK_ADDRESS, size_of::<Task>() as u64 - 1);

/// Null, nothing, data, code, and the TSS in two. Present, ring 0, accessed (the processor need
/// not write it); code is 64-bit.
static SEGMENTS: Segments = Segments(UnsafeCell::new([
    0,
    0,
    0x00cf_9300_0000_ffff,
    0x00af_9b00_0000_ffff,
    TASK_DESCRIPTOR[0],
    TASK_DESCRIPTOR[1],
]));

/// The operand of LGDT and LIDT.
#[repr(C, packed)]
pub(crate) struct Pointer<T> {
    limit: u16,
    base: *const T,
}

// SAFETY: a constant for the processor.
unsafe impl<T> Sync for Pointer<T> {}

pub(crate) static SEGMENTS_POINTER: Pointer<[u64; 6]> = Pointer {
    limit: size_of::<Segments>() as u16 - 1,
    base: SEGMENTS.0.get(),
};

pub(crate) static GATES_POINTER: Pointer<Gates> = Pointer {
    limit: size_of::<Gates>() as u16 - 1,
    base: &raw const GATES,
};

const fn gates() -> Gates {
    let mut gates = [[0; 2]; 256];
    let mut vector = 0;
    while vector < gates.len() {
        let entry = ENTRIES_ADDRESS + vector as u64 * ENTRY_BYTES;
        gates[vector] = gate_to(entry, stack_of(vector as u8));
        vector += 1;
    }
    gates
}

const fn stack_of(vector: u8) -> u8 {
    match vector {
        2 => NMI_STACK,
        8 => DOUBLE_FAULT_STACK,
        18 => MACHINE_CHECK_STACK,
        0..32 => FAULT_STACK,
        32.. => ENTRY_STACK,
    }
}

/// The end of a stack of the interrupt stack table, numbered as there.
const fn top(number: usize) -> *const u8 {
    (&raw const offsched_stacks).wrapping_byte_add(number * STACK_STRIDE)
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

/// The stack of the tasks, whole.
pub(crate) fn main_stack() -> Range<u64> {
    let end = |symbol: *const u8| symbol.addr() as u64;
    end(&raw const offsched_stack)..end(&raw const offsched_stack_top)
}

/// The stacks of the interrupt stack table, each without its guard page.
fn handler_stacks() -> impl Iterator<Item = Range<u64>> {
    (1..=STACKS).map(|number| {
        let top = top(number).addr() as u64;
        top - STACK_BYTES as u64..top
    })
}

fn stacks() -> impl Iterator<Item = Range<u64>> {
    handler_stacks().chain([main_stack()])
}

/// The stack that an address is on.
pub(crate) fn stack_with(address: u64) -> Option<Range<u64>> {
    stacks().find(|stack| stack.contains(&address))
}

/// The stack in the page below which an address is.
pub(crate) fn stack_above_guard(address: u64) -> Option<Range<u64>> {
    stacks().find(|stack| (stack.start - PAGE_BYTES as u64..stack.start).contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_holds_its_address_in_three_parts() {
        assert_eq!(
            gate_to(0x1122_3344_5566_7788, 3),
            [0x5566_8e03_0018_7788, 0x1122_3344]
        );
    }

    #[test]
    fn a_task_descriptor_holds_its_base_in_three_parts() {
        assert_eq!(
            task_descriptor(0x1122_3344_5566_7788, 0x67),
            [0x5500_8966_7788_0067, 0x1122_3344]
        );
    }

    #[test]
    fn every_vector_has_an_entry_and_what_breaks_stacks_has_one_of_its_own() {
        let gates = gates();
        assert_eq!(gates[255][0] & 0xffff, 0x2ff0);
        assert!(gates.iter().all(|gate| gate[0] >> 47 & 1 == 1));
        let stack = |vector: usize| gates[vector][0] >> 32 & 7;
        assert_eq!([2, 8, 14, 18, 64].map(stack), [3, 4, 2, 5, 1]);
    }
}
