//! How much of the stack was ever used: what is no longer painted.
#![allow(unsafe_code)]

use core::ops::Range;
use core::ptr::with_exposed_provenance;
use core::sync::atomic::{AtomicU64, Ordering};

use offsched_abi::telemetry::CoreTelemetry;

use crate::tables::main_stack;

/// What the entry fills the stack with.
pub(crate) const PAINT: u64 = 0x7061_696e_7470_6169;
const WORD: u64 = size_of::<u64>() as u64;
/// Words that an idle turn looks at: a few nanoseconds.
const WORDS_A_TURN: u64 = 8;

/// The place of the next look, from the stack's far end up; 0: none yet.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Looks at a few words, and publishes the mark when it has been found.
pub(crate) fn look(telemetry: &CoreTelemetry) {
    let stack = main_stack();
    let next = NEXT.load(Ordering::Relaxed).clamp(stack.start, stack.end);
    let end = (next + WORDS_A_TURN * WORD).min(stack.end);
    match first_used(next..end) {
        None if end < stack.end => NEXT.store(end, Ordering::Relaxed),
        found => {
            publish(telemetry, &stack, found.unwrap_or(end));
            NEXT.store(stack.start, Ordering::Relaxed);
        }
    }
}

/// Looks at all of it, and publishes the mark. For a core that has nothing else to do.
pub(crate) fn look_at_all(telemetry: &CoreTelemetry) {
    let stack = main_stack();
    publish(
        telemetry,
        &stack,
        first_used(stack.clone()).unwrap_or(stack.end),
    );
}

fn publish(telemetry: &CoreTelemetry, stack: &Range<u64>, mark: u64) {
    let bytes = stack.end - stack.start;
    telemetry.stack_bytes.store(bytes, Ordering::Relaxed);
    telemetry
        .stack_used
        .store(stack.end - mark, Ordering::Relaxed);
}

/// The first word of a part of the stack that has lost its paint.
fn first_used(part: Range<u64>) -> Option<u64> {
    part.step_by(WORD as usize).find(|address| {
        let word = with_exposed_provenance::<u64>(*address as usize);
        // SAFETY: a part of the stack, which is mapped for as long as the image runs, whole words of it. Volatile: frames
        // of functions that run may be there.
        unsafe { word.read_volatile() != PAINT }
    })
}
