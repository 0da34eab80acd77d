//! Who called whom: the chain of frame pointers.
//!
//! Images are built with frame pointers (`-Cforce-frame-pointers=yes`; the
//! standard library has them), so at RBP there is the caller's RBP and above
//! it the return address. The stubs of interrupts make such a pair too. Of a
//! function that faults before it has made its own pair the caller is missing.
#![allow(unsafe_code)]

use core::ops::Range;
use core::ptr::with_exposed_provenance;

use offsched_abi::header::{Trace, TraceEnd};

use crate::tables::stack_with;

const WORD: u64 = size_of::<u64>() as u64;

/// The backtrace of what is at `rip` with that frame pointer.
pub(crate) fn walk(rip: u64, rbp: u64) -> Trace {
    unsafe extern "C" {
        static offsched_text: u8;
        static offsched_text_end: u8;
    }
    let text =
        (&raw const offsched_text).addr() as u64..(&raw const offsched_text_end).addr() as u64;
    let stack = stack_with(rbp).unwrap_or_default();
    follow(rip, rbp, &stack, &text, |address| {
        // SAFETY: `follow` asks for aligned words inside the stack, which is mapped for as long as the image runs.
        unsafe { with_exposed_provenance::<u64>(address as usize).read_volatile() }
    })
}

/// Follows the chain inside one stack, outwards: each frame lies above the one before, so it ends.
fn follow(
    rip: u64,
    mut frame: u64,
    stack: &Range<u64>,
    text: &Range<u64>,
    read: impl Fn(u64) -> u64,
) -> Trace {
    let mut trace = Trace::new();
    trace.push(rip);
    let mut lowest = stack.start;
    loop {
        trace.end = TraceEnd::Entry;
        // The entry has none.
        if frame == 0 {
            return trace;
        }
        trace.end = TraceEnd::Broken;
        let whole = frame.is_multiple_of(WORD)
            && (lowest..stack.end).contains(&frame)
            && stack.end - frame >= 2 * WORD;
        if !whole {
            return trace;
        }
        let back = read(frame + WORD);
        if !text.contains(&back) {
            return trace;
        }
        if !trace.push(back) {
            trace.end = TraceEnd::Room;
            return trace;
        }
        lowest = frame + 2 * WORD;
        frame = read(frame);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::cell::Cell;
    use std::vec::Vec;

    use offsched_abi::header::TRACE_MAX;

    use super::*;

    const STACK: Range<u64> = 0x1000..0x2000;
    const TEXT: Range<u64> = 0x40_0000..0x50_0000;

    fn addresses(frame: u64, words: &[(u64, u64)]) -> (Vec<u64>, TraceEnd) {
        let read = |address| {
            assert!(STACK.contains(&address) && address % 8 == 0);
            let word = words.iter().find(|(place, _)| *place == address);
            word.map_or(0, |(_, word)| *word)
        };
        let trace = follow(1, frame, &STACK, &TEXT, read);
        (trace.addresses().to_vec(), trace.end)
    }

    #[test]
    fn a_chain_is_followed_to_the_entry() {
        let words = [
            (0x1100, 0x1200),
            (0x1108, 0x40_0001),
            (0x1200, 0),
            (0x1208, 0x40_0002),
        ];
        let expected = (std::vec![1, 0x40_0001, 0x40_0002], TraceEnd::Entry);
        assert_eq!(addresses(0x1100, &words), expected);
    }

    #[test]
    fn a_chain_that_leaves_the_stack_the_text_or_its_direction_is_broken() {
        let broken = |len, frame, words: &[(u64, u64)]| {
            let (addresses, end) = addresses(frame, words);
            assert_eq!((addresses.len(), end), (len, TraceEnd::Broken), "{words:?}");
        };
        for frame in [8, 0xff8, 0x1101, 0x1ff8, 0x2000, u64::MAX, u64::MAX - 7] {
            broken(1, frame, &[]);
        }
        broken(1, 0x1100, &[(0x1100, 0x1200), (0x1108, 0x50_0000)]);
        for back in [0x1100, 0x1108, 0x10f0, 0x2000] {
            broken(2, 0x1100, &[(0x1100, back), (0x1108, 0x40_0001)]);
        }
    }

    #[test]
    fn whatever_lies_on_the_stack_it_ends_and_stays_there() {
        let mut state = 1_u64;
        for _ in 0..100_000 {
            let mut random = || {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                state >> 33
            };
            let frame = 0xfe0 + random() % 0x1040;
            let step = random() % 64;
            let looks = Cell::new(0);
            let trace = follow(1, frame, &STACK, &TEXT, |address| {
                assert!(STACK.contains(&address) && address % 8 == 0);
                looks.set(looks.get() + 1);
                match looks.get() % 2 {
                    1 => TEXT.start,
                    _ => address.wrapping_add(step * 8),
                }
            });
            assert!(trace.addresses().len() <= TRACE_MAX && looks.get() <= 2 * TRACE_MAX + 2);
        }
    }
}
