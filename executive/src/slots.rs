//! The slots of a timing wheel, and the links by which timers lie in them.
//!
//! [`wheel`](crate::wheel) says how it works. Here it is generic over what the links are in, for the crate's own nodes.

use core::cell::Cell;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const WHEELS: usize = 11;
const NONE: u16 = u16::MAX;

/// The part of a timer that the wheel keeps: its tick and its neighbours in a
/// slot's ring. 16 bytes.
#[derive(Debug)]
pub struct Link {
    when: Cell<u64>,
    next: Cell<u16>,
    prev: Cell<u16>,
    /// Wheel and slot that the timer lies in; `NONE` when in none.
    place: Cell<u16>,
}

impl Link {
    /// A link in no wheel.
    pub const fn new() -> Self {
        Self {
            when: Cell::new(0),
            next: Cell::new(NONE),
            prev: Cell::new(NONE),
            place: Cell::new(NONE),
        }
    }

    /// The tick that the timer was last added for.
    pub fn when(&self) -> u64 {
        self.when.get()
    }

    /// Forgets a wheel that was reset.
    pub(crate) fn unlink(&self) {
        self.place.set(NONE);
    }

    /// True while the timer lies in a wheel.
    pub fn is_linked(&self) -> bool {
        self.place.get() != NONE
    }
}

impl Default for Link {
    fn default() -> Self {
        Self::new()
    }
}

/// Something with a link in it. For this crate only: a node's link is not to be reached from outside the core.
pub(crate) trait Linked {
    fn link(&self) -> &Link;
}

impl Linked for Link {
    #[inline(always)]
    fn link(&self) -> &Link {
        self
    }
}

/// The slots of all wheels. Every call must be given the same slice of links.
#[derive(Debug)]
pub(crate) struct Slots {
    position: Cell<u64>,
    /// One bit for each wheel that holds anything.
    wheels: Cell<u16>,
    slots: [Cell<u64>; WHEELS],
    heads: [[Cell<u16>; SLOTS]; WHEELS],
}

impl Slots {
    /// An empty wheel at tick 0.
    pub const fn new() -> Self {
        Self {
            position: Cell::new(0),
            wheels: Cell::new(0),
            slots: [const { Cell::new(0) }; WHEELS],
            heads: [const { [const { Cell::new(NONE) }; SLOTS] }; WHEELS],
        }
    }

    /// Forgets all timers and goes back to tick 0; the links are the caller's
    /// to renew.
    pub fn reset(&self) {
        self.position.set(0);
        self.wheels.set(0);
        self.slots.iter().for_each(|slots| slots.set(0));
        self.heads.iter().flatten().for_each(|head| head.set(NONE));
    }

    /// The tick up to which timers have been taken out.
    pub fn position(&self) -> u64 {
        self.position.get()
    }

    /// Adds timer `index` for tick `when`; one in the past expires at the next
    /// [`pop`](Self::pop). A timer that is already in is moved.
    pub fn add<L: Linked>(&self, links: &[L], index: u16, when: u64) {
        let link = links[usize::from(index)].link();
        if link.is_linked() {
            self.cancel(links, index);
        }
        link.when.set(when);
        self.place(links, index);
    }

    /// Takes timer `index` out. False if it was not in.
    pub fn cancel<L: Linked>(&self, links: &[L], index: u16) -> bool {
        let link = links[usize::from(index)].link();
        let place = link.place.get();
        if place == NONE {
            return false;
        }
        let place = usize::from(place);
        self.unlink(links, index, place / SLOTS, place % SLOTS);
        true
    }

    /// Takes a timer out of the slot that it lies in.
    #[inline]
    fn unlink<L: Linked>(&self, links: &[L], index: u16, wheel: usize, slot: usize) {
        let link = links[usize::from(index)].link();
        let (head, next) = (&self.heads[wheel][slot], link.next.get());
        link.place.set(NONE);
        if next == index {
            head.set(NONE);
            self.mark_empty(wheel, slot);
            return;
        }
        let prev = link.prev.get();
        links[usize::from(prev)].link().next.set(next);
        links[usize::from(next)].link().prev.set(prev);
        if head.get() == index {
            head.set(next);
        }
    }

    /// The tick at which [`pop`](Self::pop) next has something to do:
    /// the next expiry, or earlier, when timers only move down a wheel.
    #[inline]
    pub fn next(&self) -> Option<u64> {
        self.first().map(|(_, _, when)| when)
    }

    /// Takes out the first timer whose tick is at or before `now`, by tick and within a tick in the
    /// order of adding; moves the position to `now` when there is none.
    pub fn pop<L: Linked>(&self, links: &[L], now: u64) -> Option<u16> {
        while self.next().is_some_and(|when| when <= now) {
            if let Some(index) = self.step(links) {
                return Some(index);
            }
        }
        self.position.set(now.max(self.position.get()));
        None
    }

    /// Does what there is to do at [`next`](Self::next): takes out one timer, or moves a slot's timers down a wheel or
    /// more and takes out none. The position moves there.
    #[inline]
    pub fn step<L: Linked>(&self, links: &[L]) -> Option<u16> {
        let (wheel, slot, when) = self.first()?;
        self.position.set(when.max(self.position.get()));
        if wheel > 0 {
            self.move_down(links, wheel, slot);
            return None;
        }
        let index = self.heads[wheel][slot].get();
        self.unlink(links, index, wheel, slot);
        Some(index)
    }

    /// The whole slot moves before anything else is looked at: its ticks are not in order.
    #[inline(never)]
    fn move_down<L: Linked>(&self, links: &[L], wheel: usize, slot: usize) {
        let head = &self.heads[wheel][slot];
        while head.get() != NONE {
            let index = head.get();
            self.unlink(links, index, wheel, slot);
            self.place(links, index);
        }
    }

    /// The first slot that holds anything: wheel, slot, and its first tick.
    #[inline]
    fn first(&self) -> Option<(usize, usize, u64)> {
        let wheels = self.wheels.get();
        if wheels == 0 {
            return None;
        }
        // Slots behind the position are empty, and a lower wheel is always earlier.
        let wheel = wheels.trailing_zeros() as usize;
        let slot = self.slots[wheel].get().trailing_zeros() as usize;
        let shift = wheel as u32 * DIGIT_BITS;
        // In two shifts: the highest wheel's digit is cut off by the end of the word.
        let above = (u64::MAX << shift) << DIGIT_BITS;
        Some((
            wheel,
            slot,
            (self.position.get() & above) | ((slot as u64) << shift),
        ))
    }

    /// Puts an unlinked timer into the slot that its tick belongs to now.
    #[inline]
    fn place<L: Linked>(&self, links: &[L], index: u16) {
        let link = links[usize::from(index)].link();
        let position = self.position.get();
        let when = link.when.get().max(position);
        let digit = (63 - ((when ^ position) | 1).leading_zeros()) / DIGIT_BITS;
        let (wheel, slot) = (
            digit as usize,
            (when >> (digit * DIGIT_BITS)) as usize % SLOTS,
        );
        let head = &self.heads[wheel][slot];
        match head.get() {
            NONE => {
                link.next.set(index);
                link.prev.set(index);
                head.set(index);
                self.slots[wheel].set(self.slots[wheel].get() | 1 << slot);
                self.wheels.set(self.wheels.get() | 1 << wheel);
            }
            first => {
                let first_link = links[usize::from(first)].link();
                let last = first_link.prev.replace(index);
                links[usize::from(last)].link().next.set(index);
                link.prev.set(last);
                link.next.set(first);
            }
        }
        link.place.set((wheel * SLOTS + slot) as u16);
    }

    fn mark_empty(&self, wheel: usize, slot: usize) {
        let slots = self.slots[wheel].get() & !(1 << slot);
        self.slots[wheel].set(slots);
        if slots == 0 {
            self.wheels.set(self.wheels.get() & !(1 << wheel));
        }
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}
