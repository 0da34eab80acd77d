//! Whether the caller is on the running core: by where its stack lies.
//!
//! `spawn` can be called from any thread in safe code, and must refuse all but
//! the core itself. A core has one stack, which is no other thread's, so the
//! address of a local tells. The stack is kept in one word: a thread outside
//! that read a start of one run and an end of another could be let in.

use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};

const PAGE: usize = 4096;
/// The bits of the word below the stack's lowest address: its length in pages.
const PAGES: usize = PAGE - 1;

/// Where the stack of the core that runs lies; of a stack longer than 16 MiB, the first 16 MiB in use.
pub(crate) struct Here(AtomicUsize);

impl Here {
    /// Nobody is here.
    pub const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// True if the caller is on that stack. The stack's ends are rounded inwards to pages.
    pub fn would_be(stack: &Range<usize>) -> bool {
        is_on(word_of(stack))
    }

    /// From here on, code on this stack is here. The stack's ends are rounded inwards to pages.
    pub fn open(&self, stack: &Range<usize>) {
        self.0.store(word_of(stack), Ordering::Relaxed);
    }

    /// From here on, nobody is here.
    pub fn close(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// True while anybody could be here.
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// True for a caller on the stack that is open. Relaxed is enough: for a caller that is on it, the word is one that
    /// it has stored itself (or `close`d, from wherever), and for any other no word ever was right.
    #[inline(always)]
    pub fn is_here(&self) -> bool {
        is_on(self.0.load(Ordering::Relaxed))
    }
}

fn word_of(stack: &Range<usize>) -> usize {
    let top = stack.end & !PAGES;
    let pages = (top.saturating_sub(stack.start) / PAGE).min(PAGES);
    (top - pages * PAGE) | pages
}

#[inline(always)]
fn is_on(word: usize) -> bool {
    let local = 0u8;
    let address = core::ptr::from_ref(&local).addr();
    address.wrapping_sub(word & !PAGES) < (word & PAGES) * PAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(stack: Range<usize>) -> usize {
        word_of(&stack)
    }

    #[test]
    fn a_stack_is_rounded_inwards() {
        assert_eq!(word(0x10_0000..0x14_0000), 0x10_0000 | 0x40);
        assert_eq!(word(0x10_0001..0x14_0fff), 0x10_1000 | 0x3f);
        assert_eq!(word(0x10_0000..0x10_0fff) & PAGES, 0);
        // Too long for the word: the part that is used first.
        assert_eq!(word(0x1000_0000..0x4000_0000), 0x3f00_1000 | 0xfff);
    }

    #[test]
    fn a_caller_is_here_on_the_stack_that_is_open_and_on_no_other() {
        let local = 0u8;
        let address = core::ptr::from_ref(&local).addr();
        let around = address - 64 * PAGE..address + 2 * PAGE;
        let here = Here::new();
        assert!(!here.is_here());
        assert!(Here::would_be(&around) && !here.is_here());
        here.open(&around);
        assert!(here.is_here());
        std::thread::scope(|scope| {
            let outside = scope.spawn(|| here.is_here());
            assert!(!outside.join().unwrap());
        });
        here.open(&(around.start - 1024 * PAGE..around.start));
        assert!(!here.is_here(), "below");
        here.open(&(around.end..around.end + 1024 * PAGE));
        assert!(!here.is_here(), "above");
        here.open(&around);
        here.close();
        assert!(!here.is_here());
    }
}
