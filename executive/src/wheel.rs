//! A timing wheel: add, cancel and find the next expiry in constant time.
//!
//! Eleven wheels of 64 slots cover every `u64` tick, so nothing overflows and
//! no timer is too far away. A timer lies in the wheel of the highest 6-bit
//! digit in which its tick differs from the wheel's position, in the slot of
//! that digit; when the position reaches that slot, its timers move one or
//! more wheels down. Each timer moves at most ten times in its life, so an
//! expiry takes constant time on average; but all timers may lie in one slot,
//! and then one look moves them all. The links live in the timers themselves
//! ([`Link`]), so nothing is allocated.
//!
//! Source: G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels",
//! SOSP 1987, scheme 7.

use crate::slots::Slots;

pub use crate::slots::Link;

/// A timing wheel over timers that are named by their index in a slice of at
/// most 65,535. Every call must be given the same slice.
#[derive(Debug)]
pub struct Wheel(Slots);

impl Wheel {
    /// An empty wheel at tick 0.
    pub const fn new() -> Self {
        Self(Slots::new())
    }

    /// The tick up to which timers have been taken out.
    pub fn position(&self) -> u64 {
        self.0.position()
    }

    /// Adds timer `index` for tick `when`; one in the past expires at the next
    /// [`advance`](Self::advance). A timer that is already in is moved.
    #[inline]
    pub fn add(&self, links: &[Link], index: u16, when: u64) {
        self.0.add(links, index, when);
    }

    /// Takes timer `index` out. False if it was not in.
    #[inline]
    pub fn cancel(&self, links: &[Link], index: u16) -> bool {
        self.0.cancel(links, index)
    }

    /// The tick at which [`advance`](Self::advance) next has something to do:
    /// the next expiry, or earlier, when timers only move down a wheel.
    #[inline]
    pub fn next(&self) -> Option<u64> {
        self.0.next()
    }

    /// Moves the position to `now` and calls `expired` for each timer whose
    /// tick has come, by tick and within a tick in the order of adding. The
    /// callback may add and cancel.
    pub fn advance(&self, links: &[Link], now: u64, mut expired: impl FnMut(u16)) {
        while let Some(index) = self.pop(links, now) {
            expired(index);
        }
    }

    /// Takes out the first timer whose tick is at or before `now`, in the order
    /// of [`advance`](Self::advance); moves the position to `now` when there is none.
    #[inline]
    pub fn pop(&self, links: &[Link], now: u64) -> Option<u16> {
        self.0.pop(links, now)
    }
}

impl Default for Wheel {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn links(n: usize) -> Vec<Link> {
        (0..n).map(|_| Link::new()).collect()
    }

    fn drain(wheel: &Wheel, links: &[Link], now: u64) -> Vec<u16> {
        let mut out = Vec::new();
        wheel.advance(links, now, |index| out.push(index));
        out
    }

    #[test]
    fn expiry_is_by_tick_and_then_by_order_of_adding() {
        let (wheel, links) = (Wheel::new(), links(4));
        wheel.add(&links, 0, 5_000);
        wheel.add(&links, 1, 70);
        assert!(drain(&wheel, &links, 69).is_empty());
        wheel.add(&links, 2, 5_000);
        wheel.add(&links, 3, 70);
        assert_eq!(drain(&wheel, &links, 5_000), [1, 3, 0, 2]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn the_past_and_the_end_of_time_are_places_like_others() {
        let (wheel, links) = (Wheel::new(), links(2));
        assert!(drain(&wheel, &links, 1_000_000).is_empty());
        wheel.add(&links, 0, 3);
        wheel.add(&links, 1, u64::MAX);
        assert_eq!(drain(&wheel, &links, 1_000_000), [0]);
        assert_eq!(drain(&wheel, &links, u64::MAX), [1]);
    }

    #[test]
    fn a_callback_may_add_again() {
        let (wheel, links) = (Wheel::new(), links(1));
        wheel.add(&links, 0, 10);
        let mut ticks = Vec::new();
        wheel.advance(&links, 1_000, |index| {
            ticks.push(links[0].when());
            wheel.add(&links, index, links[0].when() + 300);
        });
        assert_eq!(ticks, [10, 310, 610, 910]);
    }

    proptest! {
        /// Against a sorted map: same expiries in the same order, and `next` never late.
        #[test]
        fn agrees_with_a_sorted_map(steps in prop::collection::vec((0u8..4, 0u16..32, any::<u64>(), 0u32..40), 1..300)) {
            let (wheel, links) = (Wheel::new(), links(32));
            let mut model: BTreeMap<(u64, u64), u16> = BTreeMap::new();
            let mut keys = [None; 32];
            let (mut now, mut order) = (0u64, 0u64);
            for (kind, index, random, bits) in steps {
                let span = random & ((1 << bits) - 1);
                let key = &mut keys[usize::from(index)];
                match kind {
                    0 | 1 => {
                        if let Some(old) = key.take() { model.remove(&old); }
                        order += 1;
                        *key = Some((now + span, order));
                        model.insert((now + span, order), index);
                        wheel.add(&links, index, now + span);
                    }
                    2 => {
                        let was = key.take();
                        if let Some(old) = was { model.remove(&old); }
                        prop_assert_eq!(wheel.cancel(&links, index), was.is_some());
                    }
                    _ => {
                        now += span;
                        let mut expected = Vec::new();
                        while let Some((&k, &index)) = model.iter().next().filter(|(k, _)| k.0 <= now) {
                            model.remove(&k);
                            keys[usize::from(index)] = None;
                            expected.push(index);
                        }
                        prop_assert_eq!(drain(&wheel, &links, now), expected);
                    }
                }
                let first = model.keys().next().map(|k| k.0);
                match (wheel.next(), first) {
                    (None, None) => {}
                    (Some(next), Some(first)) => prop_assert!(next <= first),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }
}
