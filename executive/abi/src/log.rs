//! Log rings: frames that the core's tasks wrote, kept in rings that overwrite their oldest.
//!
//! A ring has one writer at a time and never waits. The core gives each of its levels a ring, so a
//! frame that interrupts another one goes elsewhere. A frame takes one slot or several that follow
//! each other; each slot says which frame it is part of, so a reader that comes late finds the next
//! whole one, and how many it missed.

use core::sync::atomic::AtomicU8;

use crate::sync::{AtomicU32, AtomicU64, Ordering, fence, load_acquire_u64};

/// Rings of a core.
pub const LOG_RINGS: usize = 8;
/// Slots of a ring.
pub const LOG_SLOTS: usize = 512;
/// Bytes of a frame in a slot.
pub const SLOT_BYTES: usize = 24;
/// Longest frame, bytes; a longer one is lost, and counted.
pub const LOG_FRAME_MAX: usize = 40 * SLOT_BYTES;

/// All rings. All zero is empty.
#[repr(C)]
#[derive(Debug, Default)]
pub struct LogRings {
    /// By rank of the level: the least urgent first.
    pub rings: [LogRing; LOG_RINGS],
}

/// One ring.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct LogRing {
    /// Slots that are being written or were; the oldest are overwritten.
    begun: AtomicU64,
    /// Slots whose frames are whole.
    written: AtomicU64,
    /// Frames that ended, lost ones among them.
    frames: AtomicU64,
    /// The writer's own: 1 while a frame is open.
    open: AtomicU32,
    /// The writer's own: bytes of the open frame, more than fit if it is too long.
    used: AtomicU32,
    slots: [Slot; LOG_SLOTS],
}

#[repr(C)]
#[derive(Debug)]
struct Slot {
    /// A [`Head`].
    head: AtomicU64,
    bytes: [AtomicU8; SLOT_BYTES],
}

const _: () = assert!(size_of::<Slot>() == 32 && size_of::<LogRing>().is_multiple_of(64));
const _: () = assert!(LOG_FRAME_MAX / SLOT_BYTES <= u8::MAX as usize && LOG_FRAME_MAX <= 0xffff);

/// What a slot is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Head {
    /// The frame's number, counted from 0 in its ring.
    number: u32,
    /// Bytes of the whole frame.
    len: u16,
    level: u8,
    /// Which of the frame's slots it is.
    part: u8,
}

impl Head {
    fn to_word(self) -> u64 {
        u64::from(self.number) << 32
            | u64::from(self.len) << 16
            | u64::from(self.level) << 8
            | u64::from(self.part)
    }

    fn from_word(word: u64) -> Self {
        Self {
            number: (word >> 32) as u32,
            len: (word >> 16) as u16,
            level: (word >> 8) as u8,
            part: word as u8,
        }
    }
}

/// How far a reader of a ring has come. The default is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCursor {
    slot: u64,
    frame: u64,
}

/// A frame that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFrame {
    /// The level that wrote it; 64: none, as in the image's init and when what it made is dropped.
    pub level: u8,
    /// Bytes of it in the reader's buffer.
    pub len: usize,
}

/// What a look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRead {
    /// Frames before this one that are gone: overwritten, too long, or begun inside another one.
    pub lost: u64,
    /// The next frame; `None`: there is none yet.
    pub frame: Option<LogFrame>,
}

impl Default for LogRing {
    fn default() -> Self {
        Self {
            begun: AtomicU64::new(0),
            written: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            open: AtomicU32::new(0),
            used: AtomicU32::new(0),
            slots: [const {
                Slot {
                    head: AtomicU64::new(0),
                    bytes: [const { AtomicU8::new(0) }; SLOT_BYTES],
                }
            }; LOG_SLOTS],
        }
    }
}

impl LogRing {
    /// Begins a frame. `false`: one is open here already, and the new one is lost.
    pub fn begin(&self) -> bool {
        if self.open.load(Ordering::Relaxed) != 0 {
            self.lose();
            return false;
        }
        self.open.store(1, Ordering::Relaxed);
        self.used.store(0, Ordering::Relaxed);
        true
    }

    /// Adds bytes to the open frame.
    pub fn write(&self, bytes: &[u8]) {
        let used = self.used.load(Ordering::Relaxed) as usize;
        let end = used.saturating_add(bytes.len());
        if end > LOG_FRAME_MAX {
            self.used.store(u32::MAX, Ordering::Relaxed);
            return;
        }
        let first = self.written.load(Ordering::Relaxed);
        let slots = first.wrapping_add(end.div_ceil(SLOT_BYTES) as u64);
        if slots > self.begun.load(Ordering::Relaxed) {
            self.begun.store(slots, Ordering::Relaxed);
            // Who sees a byte of these slots sees that they were begun.
            fence(Ordering::Release);
        }
        for (at, byte) in (used..end).zip(bytes) {
            let slot = self.slot(first.wrapping_add((at / SLOT_BYTES) as u64));
            slot.bytes[at % SLOT_BYTES].store(*byte, Ordering::Relaxed);
        }
        self.used.store(end as u32, Ordering::Relaxed);
    }

    /// Ends the open frame, of that level: readers see it.
    pub fn end(&self, level: u8) {
        let len = self.used.load(Ordering::Relaxed) as usize;
        let whole = (1..=LOG_FRAME_MAX).contains(&len);
        if whole {
            let first = self.written.load(Ordering::Relaxed);
            let parts = len.div_ceil(SLOT_BYTES) as u64;
            let head = Head {
                number: self.frames.load(Ordering::Relaxed) as u32,
                len: len as u16,
                level,
                part: 0,
            };
            for part in 0..parts {
                let word = head.to_word() | part;
                let slot = self.slot(first.wrapping_add(part));
                slot.head.store(word, Ordering::Relaxed);
            }
            self.written
                .store(first.wrapping_add(parts), Ordering::Release);
        }
        self.lose();
        self.open.store(0, Ordering::Relaxed);
    }

    /// Counts a frame, written or not.
    pub fn lose(&self) {
        let frames = self.frames.load(Ordering::Relaxed);
        self.frames.store(frames.wrapping_add(1), Ordering::Release);
    }

    /// The next frame, copied, and what was lost before it. Bounded, whatever the ring holds.
    pub fn read(&self, cursor: &mut LogCursor, buffer: &mut [u8; LOG_FRAME_MAX]) -> LogRead {
        // In this order: of the frames that had ended by then, those not found below are lost.
        let frames = load_acquire_u64(&self.frames);
        let written = load_acquire_u64(&self.written);
        for _ in 0..=LOG_SLOTS {
            let begun = self.begun.load(Ordering::Relaxed).max(written);
            let oldest = begun.saturating_sub(LOG_SLOTS as u64).min(written);
            let at = cursor.slot.clamp(oldest, written);
            cursor.slot = at;
            if at == written {
                let lost = frames.saturating_sub(cursor.frame);
                cursor.frame = cursor.frame.max(frames);
                return LogRead { lost, frame: None };
            }
            if let Some(head) = self.copy(at, written, buffer) {
                let len = usize::from(head.len);
                cursor.slot = at + len.div_ceil(SLOT_BYTES) as u64;
                let lost = u64::from(head.number.wrapping_sub(cursor.frame as u32));
                cursor.frame = cursor.frame.wrapping_add(lost).wrapping_add(1);
                let level = head.level;
                return LogRead {
                    lost,
                    frame: Some(LogFrame { level, len }),
                };
            }
            cursor.slot = at + 1;
        }
        LogRead::default()
    }

    /// Copies the frame that begins in that slot, if one does and it stays whole meanwhile.
    fn copy(&self, at: u64, written: u64, buffer: &mut [u8; LOG_FRAME_MAX]) -> Option<Head> {
        let head = Head::from_word(self.slot(at).head.load(Ordering::Relaxed));
        let frame = buffer.get_mut(..usize::from(head.len))?;
        let parts = frame.len().div_ceil(SLOT_BYTES) as u64;
        if head.part != 0 || parts == 0 || parts > written - at {
            return None;
        }
        for (part, bytes) in (0..parts).zip(frame.chunks_mut(SLOT_BYTES)) {
            let slot = self.slot(at + part);
            if slot.head.load(Ordering::Relaxed) != head.to_word() | part {
                return None;
            }
            for (to, from) in bytes.iter_mut().zip(&slot.bytes) {
                *to = from.load(Ordering::Relaxed);
            }
        }
        fence(Ordering::Acquire);
        // What the writer has begun meanwhile may have gone over the front of the copy.
        let begun = self.begun.load(Ordering::Relaxed);
        (begun.saturating_sub(LOG_SLOTS as u64) <= at).then_some(head)
    }

    fn slot(&self, number: u64) -> &Slot {
        &self.slots[number as usize % LOG_SLOTS]
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::boxed::Box;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    fn ring() -> Box<LogRing> {
        Box::default()
    }

    fn log(ring: &LogRing, bytes: &[u8]) {
        assert!(ring.begin());
        bytes.chunks(7).for_each(|piece| ring.write(piece));
        ring.end(3);
    }

    fn read(ring: &LogRing, cursor: &mut LogCursor) -> (u64, Option<Vec<u8>>) {
        let mut buffer = [0; LOG_FRAME_MAX];
        let found = ring.read(cursor, &mut buffer);
        let frame = found.frame.map(|frame| buffer[..frame.len].to_vec());
        (found.lost, frame)
    }

    #[test]
    fn frames_come_out_whole_and_in_order() {
        let (ring, mut cursor) = (ring(), LogCursor::default());
        for len in [1, 23, 24, 25, 500, LOG_FRAME_MAX] {
            log(&ring, &vec![len as u8; len]);
        }
        for len in [1, 23, 24, 25, 500, LOG_FRAME_MAX] {
            assert_eq!(read(&ring, &mut cursor), (0, Some(vec![len as u8; len])));
        }
        assert_eq!(read(&ring, &mut cursor), (0, None));
    }

    #[test]
    fn a_frame_inside_another_one_and_one_too_long_are_lost_and_counted() {
        let (ring, mut cursor) = (ring(), LogCursor::default());
        assert!(ring.begin());
        ring.write(b"outer");
        assert!(!ring.begin());
        ring.end(1);
        log(&ring, &[0; LOG_FRAME_MAX + 1]);
        assert_eq!(read(&ring, &mut cursor), (1, Some(b"outer".to_vec())));
        assert_eq!(read(&ring, &mut cursor), (1, None));
        log(&ring, b"next");
        assert_eq!(read(&ring, &mut cursor), (0, Some(b"next".to_vec())));
    }

    #[test]
    fn a_late_reader_finds_whole_frames_and_the_exact_loss() {
        let (ring, mut cursor) = (ring(), LogCursor::default());
        // Three slots each: no multiple of the ring's.
        for number in 0..1000_u64 {
            log(&ring, &number.to_le_bytes().repeat(8));
        }
        let kept = (LOG_SLOTS / 3) as u64;
        let (mut seen, mut lost) = (Vec::new(), 0);
        while let (gone, Some(frame)) = read(&ring, &mut cursor) {
            lost += gone;
            seen.push(u64::from_le_bytes(frame[..8].try_into().unwrap()));
        }
        assert_eq!(seen, (1000 - kept..1000).collect::<Vec<_>>());
        assert_eq!(lost, 1000 - kept);
    }

    #[test]
    fn what_is_being_overwritten_is_not_handed_out() {
        let (ring, mut cursor) = (ring(), LogCursor::default());
        (0..LOG_SLOTS).for_each(|_| log(&ring, b"old"));
        assert!(ring.begin());
        ring.write(b"not yet");
        assert_eq!(read(&ring, &mut cursor), (1, Some(b"old".to_vec())));
    }

    #[test]
    fn a_frame_whose_slots_disagree_is_passed_over() {
        let (ring, mut cursor) = (ring(), LogCursor::default());
        log(&ring, &[1; 2 * SLOT_BYTES]);
        log(&ring, b"good");
        let other = ring.slots[1].head.load(Ordering::Relaxed) ^ 1 << 32;
        ring.slots[1].head.store(other, Ordering::Relaxed);
        assert_eq!(read(&ring, &mut cursor), (1, Some(b"good".to_vec())));
    }

    #[test]
    fn whatever_the_ring_holds_reading_ends() {
        let mut state = 1_u64;
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            state >> 20
        };
        let ring = ring();
        for _ in 0..300 {
            for word in [&ring.begun, &ring.written, &ring.frames] {
                let any = random().wrapping_mul(1 << (random() % 40));
                word.store(any.wrapping_sub(random() % 3), Ordering::Relaxed);
            }
            for slot in &ring.slots {
                let head = (random() << 32) | ((random() % 2000) << 16) | (random() % 3);
                slot.head.store(head, Ordering::Relaxed);
            }
            let mut cursor = LogCursor {
                slot: random() << (random() % 21),
                frame: random(),
            };
            for _ in 0..5 {
                read(&ring, &mut cursor);
            }
        }
    }
}
