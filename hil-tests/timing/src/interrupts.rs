//! Interrupts, from the instruction before to the instruction behind.
#![allow(unsafe_code)]

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use offsched_hal_x86::tsc;

/// When the preempting task began and ended, cycles. Plain words in effect: one core writes and reads them.
static ENTERED: AtomicU64 = AtomicU64::new(0);
static LEFT: AtomicU64 = AtomicU64::new(0);
/// The task has run.
static RAN: AtomicBool = AtomicBool::new(false);

/// What the preempting task does.
#[inline(always)]
pub fn stamp() {
    ENTERED.store(tsc::read(), Relaxed);
    RAN.store(true, Relaxed);
    LEFT.store(tsc::read(), Relaxed);
}

/// When the preempting task last began and ended.
pub fn stamps() -> (u64, u64) {
    (ENTERED.load(Relaxed), LEFT.load(Relaxed))
}

/// An interrupt seen from the code that it came over, cycles.
pub struct Seen {
    /// The last turn of the loop before it.
    pub before: u64,
    /// The first turn after it.
    pub after: u64,
}

/// Runs `arrange`, then waits, reading the counter, until the preempting task has run.
#[inline(never)]
pub fn watch(arrange: impl FnOnce()) -> Seen {
    RAN.store(false, Relaxed);
    arrange();
    let mut last = tsc::read();
    loop {
        let now = tsc::read();
        if RAN.swap(false, Relaxed) {
            let after = tsc::read();
            // It came behind the read of this turn, or of the turn before.
            let before = if now < stamps().0 { now } else { last };
            return Seen { before, after };
        }
        last = now;
    }
}

/// An interrupt that means nothing: through the entry, counted, and back.
#[inline(always)]
pub fn stray() {
    // SAFETY: every vector has a handler, and this one's changes nothing but a counter.
    unsafe { asm!("int 0x99") };
}

/// Takes one instruction more for each more in `count`, from some number on.
#[inline(never)]
pub fn delay(count: usize) {
    // SAFETY: changes nothing but its own register. Two instructions a turn, and one more where `count` is odd.
    unsafe {
        asm!(
            "test {odd}, 1",
            "jz 3f",
            "nop",
            "3:",
            "dec {turns}",
            "jnz 3b",
            odd = in(reg) count,
            turns = inout(reg) count / 2 + 1 => _,
            options(nomem, nostack),
        );
    }
}
