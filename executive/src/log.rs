//! Logs: frames of bytes from any level, each whole.
//!
//! What is in a frame is not the executive's business: `offsched-log` makes
//! `defmt` frames of an app's `defmt::info!`, and a port says where they go. A
//! job that logs may be interrupted by one that logs too, always of a higher
//! level; so every level writes to a ring of its own, as far as there are
//! rings, and where two share one the frame that would garble another is
//! dropped and counted.
#![allow(unsafe_code)]

use core::cell::Cell;
use core::sync::atomic::{AtomicPtr, Ordering};

use offsched_abi::log::{LOG_RINGS, LogRing, LogRings};

use crate::Core;
use crate::ceiling::{LEVEL_MAX, Limit};
use crate::task::Task;

/// The kernel's ceiling, where an image's init and drop run, after the levels from 0.
const KERNEL: usize = LEVEL_MAX as usize + 1;
const LEVELS: usize = KERNEL + 1;

/// A core's rings, and which level writes to which.
#[derive(Debug)]
pub struct Logs<'a> {
    rings: &'a LogRings,
    /// The ring of each level: how many of the tasks' levels are not above it.
    ranks: [u8; LEVELS],
    /// Frames that each level has begun and not ended: one, or one inside another.
    begun: [Cell<u8>; LEVELS],
    /// The outermost of them goes to the ring.
    writes: [Cell<bool>; LEVELS],
}

impl<'a> Logs<'a> {
    /// The logs of a core with these tasks.
    pub fn new(rings: &'a LogRings, tasks: &[Task]) -> Self {
        let mut ranks = [0_u8; LEVELS];
        let mut rank = 0;
        for (level, place) in ranks.iter_mut().enumerate().take(KERNEL).skip(1) {
            if tasks.iter().any(|task| usize::from(task.level) == level) {
                rank = (rank + 1).min(LOG_RINGS as u8 - 1);
            }
            *place = rank;
        }
        Self {
            rings,
            ranks,
            begun: [const { Cell::new(0) }; LEVELS],
            writes: [const { Cell::new(false) }; LEVELS],
        }
    }

    fn ring(&self, level: usize) -> &'a LogRing {
        &self.rings.rings[usize::from(self.ranks[level])]
    }

    fn begin(&self, level: usize) {
        let before = self.begun[level].get();
        self.begun[level].set(before.saturating_add(1));
        if before == 0 {
            self.writes[level].set(self.ring(level).begin());
        } else {
            self.ring(level).lose();
        }
    }

    fn write(&self, level: usize, bytes: &[u8]) {
        if self.begun[level].get() == 1 && self.writes[level].get() {
            self.ring(level).write(bytes);
        }
    }

    fn end(&self, level: usize) {
        let begun = self.begun[level].get().saturating_sub(1);
        self.begun[level].set(begun);
        if begun == 0 && self.writes[level].replace(false) {
            self.ring(level).end(level as u8);
        }
    }
}

/// A `fn() -> Option<&'static Core>`: the core that the caller is on; null: no port has said.
static HERE: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// For ports: how to find the core that calls, in this program.
pub fn set_here(here: fn() -> Option<&'static Core>) {
    HERE.store(here as *mut (), Ordering::Release);
}

/// Calls with the core that this runs on, its logs and the level; not at all elsewhere, or if the port keeps no logs.
fn on_core<R>(call: impl FnOnce(&Core, &Logs<'_>, usize) -> R) -> Option<R> {
    let here = HERE.load(Ordering::Acquire);
    if here.is_null() {
        return None;
    }
    // SAFETY: `set_here` alone stores there, and what it was given is such a function; functions live for ever.
    let here: fn() -> Option<&'static Core> = unsafe { core::mem::transmute::<*mut (), _>(here) };
    let core = here()?;
    // Not `here`: what is said after a stop is heard too.
    if !core.run_here.is_here() {
        return None;
    }
    let logs = core.bound().port.logs()?;
    let level = match core.words.ceiling() {
        Limit::KERNEL => KERNEL,
        limit => usize::from(limit.level()),
    };
    Some(call(core, logs, level))
}

/// Begins a frame at the level that runs.
pub fn begin() {
    on_core(|_, logs, level| logs.begin(level));
}

/// Adds bytes to the frame that the level that runs began last.
pub fn write(bytes: &[u8]) {
    on_core(|_, logs, level| logs.write(level, bytes));
}

/// Ends that frame.
pub fn end() {
    on_core(|_, logs, level| logs.end(level));
}

/// The core's counter, cycles; 0 elsewhere.
pub fn now() -> u64 {
    on_core(|core, _, _| core.now()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::string::String;
    use std::vec::Vec;

    use offsched_abi::log::{LOG_FRAME_MAX, LogCursor};

    use crate::OnMiss;
    use crate::rt::Release;

    use super::*;

    fn task(level: u8) -> Task {
        Task {
            name: "task",
            level,
            release: Release::Event { min_interval_us: 0 },
            deadline: None,
            budget_ns: None,
            on_miss: OnMiss::Count,
            capacity: 1,
            measure: false,
            first_node: 0,
            run: |_, _| {},
        }
    }

    fn texts(ring: &LogRing) -> (Vec<String>, u64) {
        let (mut cursor, mut buffer) = (LogCursor::default(), [0; LOG_FRAME_MAX]);
        let (mut texts, mut lost) = (Vec::new(), 0);
        loop {
            let read = ring.read(&mut cursor, &mut buffer);
            lost += read.lost;
            let Some(frame) = read.frame else {
                return (texts, lost);
            };
            texts.push(String::from_utf8(buffer[..frame.len].to_vec()).unwrap());
        }
    }

    #[test]
    fn a_frame_that_interrupts_another_one_goes_to_its_own_ring() {
        let rings = Box::<LogRings>::default();
        let logs = Logs::new(&rings, &[task(2), task(9)]);
        logs.begin(2);
        logs.write(2, b"out");
        logs.begin(9);
        logs.write(9, b"in");
        logs.end(9);
        logs.write(2, b"er");
        logs.end(2);
        let found: Vec<_> = rings.rings.iter().map(texts).collect();
        assert_eq!(found[1], (std::vec!["outer".into()], 0));
        assert_eq!(found[2], (std::vec!["in".into()], 0));
    }

    #[test]
    fn levels_that_share_a_ring_lose_a_frame_and_garble_none() {
        let rings = Box::<LogRings>::default();
        let tasks: Vec<Task> = (1..=12).map(task).collect();
        let logs = Logs::new(&rings, &tasks);
        for level in 1..=12 {
            logs.begin(level);
            logs.write(level, b"a");
        }
        for level in (1..=12).rev() {
            logs.write(level, b"b");
            logs.end(level);
        }
        for ring in 1..LOG_RINGS {
            let lost = if ring == LOG_RINGS - 1 { 5 } else { 0 };
            assert_eq!(texts(&rings.rings[ring]), (std::vec!["ab".into()], lost));
        }
    }

    #[test]
    fn a_frame_inside_one_of_its_own_level_is_lost() {
        let rings = Box::<LogRings>::default();
        let logs = Logs::new(&rings, &[]);
        for call in ["(", "a", "(", "x", ")", "b", ")"] {
            match call {
                "(" => logs.begin(KERNEL),
                ")" => logs.end(KERNEL),
                text => logs.write(KERNEL, text.as_bytes()),
            }
        }
        assert_eq!(texts(&rings.rings[0]), (std::vec!["ab".into()], 1));
    }

    #[test]
    fn off_the_core_nothing_happens() {
        begin();
        write(b"lost");
        end();
        assert_eq!(now(), 0);
    }
}
