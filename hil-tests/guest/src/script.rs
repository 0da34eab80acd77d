//! An image that does what a script says, word by word: for cores that lie.
//!
//! Machine code for the core, with no executive in it, in three segments: the code, the script, and
//! bytes that the script may copy.
#![allow(unsafe_code)]

use std::arch::global_asm;

use offsched_abi::image::{IMAGE_BASE, LAPIC_ADDRESS, PARAMS_ADDRESS};
use offsched_device::{Access, ImageFile, Segment};

/// Where the script is.
const SCRIPT: u64 = IMAGE_BASE + 0x1_0000;
/// Where the bytes are.
const BYTES: u64 = IMAGE_BASE + 0x10_0000;
const PAGE: u64 = 4096;

// Never run here, only copied. rbx: parameters; r8: the next step; r9: the last interrupt that Linux asked for. The
// parameters' root, epoch and notify are at 8, 56 and 64.
global_asm!(
    ".pushsection .rodata",
    ".global offsched_script_code",
    ".global offsched_script_code_end",
    "offsched_script_code:",
    "mov ebx, {params}",
    "mov rax, [rbx + 8]",
    "mov cr3, rax",
    "mov r8d, {script}",
    "2:",
    "mov rax, [r8]",
    "mov rdi, [r8 + 8]",
    "mov rsi, [r8 + 16]",
    "mov rcx, [r8 + 24]",
    "add r8, 32",
    "dec eax",
    "jz 10f",
    "dec eax",
    "jz 11f",
    "dec eax",
    "jz 12f",
    "dec eax",
    "jz 13f",
    "dec eax",
    "jz 14f",
    "dec eax",
    "jz 15f",
    "dec eax",
    "jz 16f",
    "dec eax",
    "jz 17f",
    "dec eax",
    "jz 18f",
    "3:",
    "cli",
    "hlt",
    "jmp 3b",
    // 1: store 8 bytes. 2: store 4.
    "10: mov [rdi], rsi",
    "jmp 2b",
    "11: mov [rdi], esi",
    "jmp 2b",
    // 3: copy.
    "12: cld",
    "rep movsb",
    "jmp 2b",
    // 4: wait for a word's value.
    "13: pause",
    "cmp [rdi], esi",
    "jne 13b",
    "jmp 2b",
    // 5: store the core's epoch.
    "14: mov eax, [rbx + 56]",
    "mov [rdi], eax",
    "jmp 2b",
    // 6: store the time.
    "15: rdtsc",
    "shl rdx, 32",
    "or rax, rdx",
    "mov [rdi], rax",
    "jmp 2b",
    // 7: go on elsewhere.
    "16: mov r8, rdi",
    "jmp 2b",
    // 8: wait for another value.
    "17: pause",
    "cmp [rdi], esi",
    "je 17b",
    "jmp 2b",
    // 9: interrupt Linux, in xAPIC or x2APIC mode; also if it does not want that any more, if rdi is not 0.
    "18: mov rax, [rbx + 64]",
    "test rax, rax",
    "cmovnz r9, rax",
    "jnz 4f",
    "test rdi, rdi",
    "jz 2b",
    "4: test r9, r9",
    "jz 2b",
    "mov ecx, 0x1b",
    "rdmsr",
    "mov rdx, r9",
    "shr rdx, 32",
    "test eax, 1 << 10",
    "movzx eax, r9b",
    "jz 5f",
    "or eax, 1 << 14",
    "mov ecx, 0x830",
    "wrmsr",
    "jmp 2b",
    "5: mov ecx, {lapic}",
    "or eax, 1 << 14",
    "shl edx, 24",
    "6: test dword ptr [rcx + 0x300], 1 << 12",
    "jnz 6b",
    "mov [rcx + 0x310], edx",
    "mov [rcx + 0x300], eax",
    "jmp 2b",
    "offsched_script_code_end:",
    ".popsection",
    params = const PARAMS_ADDRESS,
    script = const SCRIPT,
    lapic = const LAPIC_ADDRESS,
);

unsafe extern "C" {
    static offsched_script_code: u8;
    static offsched_script_code_end: u8;
}

/// What the core does next. Addresses are the core's.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Writes 8 bytes.
    Store(u64, u64),
    /// Writes 4 bytes.
    Store32(u64, u32),
    /// Copies as many of the image's bytes.
    Copy(u64, usize),
    /// Waits until the 4 bytes there are this.
    Wait32(u64, u32),
    /// Waits until the 4 bytes there are anything but this.
    WaitNot32(u64, u32),
    /// Writes the core's epoch, 4 bytes: its sign of life.
    Epoch(u64),
    /// Writes the time, 8 bytes.
    Time(u64),
    /// Goes on with the step of this number.
    Goto(u64),
    /// Interrupts Linux, if it wants that.
    Ring,
    /// Interrupts Linux, once it has said how.
    RingAnyway,
}

impl Step {
    fn words(self) -> [u64; 4] {
        match self {
            Self::Store(at, value) => [1, at, value, 0],
            Self::Store32(at, value) => [2, at, value.into(), 0],
            Self::Copy(at, bytes) => [3, at, BYTES, bytes as u64],
            Self::Wait32(at, value) => [4, at, value.into(), 0],
            Self::Epoch(at) => [5, at, 0, 0],
            Self::Time(at) => [6, at, 0, 0],
            Self::Goto(step) => [7, SCRIPT + 32 * step, 0, 0],
            Self::WaitNot32(at, value) => [8, at, value.into(), 0],
            Self::Ring => [9, 0, 0, 0],
            Self::RingAnyway => [9, 1, 0, 0],
        }
    }
}

/// Script and bytes, as they are loaded.
pub struct Script {
    steps: Vec<u8>,
    bytes: Vec<u8>,
}

impl Script {
    /// Ends by halting, unless the last step goes elsewhere.
    pub fn new(steps: &[Step], bytes: Vec<u8>) -> Self {
        let halt = [[0; 4]];
        let words = steps.iter().map(|step| step.words()).chain(halt).flatten();
        Self {
            steps: words.flat_map(u64::to_le_bytes).collect(),
            bytes,
        }
    }

    /// An image with so much shared memory.
    pub fn image(&self, shared_bytes: u64, public_bytes: u64) -> ImageFile<'_> {
        let segment = |address, data, access| Segment {
            address,
            bytes: (<[u8]>::len(data) as u64).next_multiple_of(PAGE).max(PAGE),
            data,
            access,
        };
        ImageFile {
            entry: IMAGE_BASE,
            shared_bytes,
            public_bytes,
            segments: vec![
                segment(IMAGE_BASE, code(), Access::Execute),
                segment(SCRIPT, &self.steps, Access::Read),
                segment(BYTES, &self.bytes, Access::Read),
            ],
        }
    }
}

fn code() -> &'static [u8] {
    let (start, end) = (
        &raw const offsched_script_code,
        &raw const offsched_script_code_end,
    );
    // SAFETY: both symbols are in one section, which is constant, with the code between them.
    unsafe { std::slice::from_raw_parts(start, end.addr() - start.addr()) }
}
