//! One app whose least urgent task measures: spawns, locks, timers, and the
//! peers beside them, all on the core thread and in the same rounds.
//!
//! The app runs once a round. Nothing is released while it measures, so no
//! alarm is armed, and the measuring task may allocate and take its book from a
//! mutex, which a task of a real app must not.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offsched::wheel::{Link, Wheel};

use crate::clock::ordered;
use crate::handover::Handover;
use crate::peers::{ClosureLoop, Embassy};
use crate::series::{BATCH, BATCHES, Book, EMPTY};

pub use app::App;

/// The book, while the app runs.
pub static BOOK: Handover = Handover::new();

/// When the more urgent task began and ended, cycles. Plain words in effect: one core writes and reads them.
static ENTERED: AtomicU64 = AtomicU64::new(0);
static LEFT: AtomicU64 = AtomicU64::new(0);

#[inline(always)]
fn stamp() {
    ENTERED.store(ordered(), Relaxed);
    LEFT.store(ordered(), Relaxed);
}

/// The app.
#[offsched::app]
pub mod app {
    use super::*;
    use offsched::{ExtU64, Mutex as _};

    #[shared]
    struct Shared {
        total: u64,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        measure::spawn().expect("the inbox is empty");
        Shared { total: 0 }
    }

    #[task(priority = 1, event, measure = false, shared = [total])]
    fn measure(mut cx: measure::Context) {
        let mut plain = 0u64;
        let soon = cx.clock.now() + 1u64.hours();
        BOOK.measure(|book| {
            book.each(EMPTY, || {
                let start = ordered();
                ordered().saturating_sub(start)
            });
            spawns(book);
            book.difference(
                "lock",
                || cx.shared.total.lock(|total| *total += 1),
                || *black_box(&mut plain) += 1,
            );
            book.batch("timer.spawn_at", || {
                if let Ok(handle) = silent::spawn_at(soon) {
                    let _ = black_box(handle.cancel());
                }
            });
            wheel(book);
            peers(book);
        });
        cx.stop();
    }

    fn spawns(book: &mut Book) {
        book.each("spawn.first", || first(|| stamped::spawn().is_ok()));
        book.each("spawn.first.measured", || {
            first(|| stamped_measured::spawn().is_ok())
        });
        book.each("spawn.return", || back(|| stamped::spawn().is_ok()));
        book.each("spawn.return.measured", || {
            back(|| stamped_measured::spawn().is_ok())
        });
        book.batch("spawn.clock", || {
            black_box(crate::clock::now());
        });
        book.batch("spawn.whole", || {
            let _ = silent::spawn();
        });
        book.batch("spawn.whole.measured", || {
            let _ = silent_measured::spawn();
        });
    }

    /// Uses `total` too, so that its lock has a ceiling above `measure`.
    #[task(priority = 3, event, measure = false, shared = [total])]
    fn stamped(_: stamped::Context) {
        stamp();
    }

    #[task(priority = 3, event)]
    fn stamped_measured(_: stamped_measured::Context) {
        stamp();
    }

    #[task(priority = 3, event, measure = false)]
    fn silent(_: silent::Context) {}

    #[task(priority = 3, event)]
    fn silent_measured(_: silent_measured::Context) {}
}

/// From before a spawn to the first instruction of the task, cycles.
#[inline(always)]
fn first(spawn: impl FnOnce() -> bool) -> u64 {
    let start = ordered();
    spawn();
    ENTERED.load(Relaxed).saturating_sub(start)
}

/// From the last instruction of the task to the one behind the spawn, cycles.
#[inline(always)]
fn back(spawn: impl FnOnce() -> bool) -> u64 {
    spawn();
    ordered().saturating_sub(LEFT.load(Relaxed))
}

/// The timing wheel by itself, as DPDK's rte_timer is measured: timers at
/// random within about a millisecond are added, then all expire.
fn wheel(book: &mut Book) {
    if !book.wants(&["timer.add", "timer.expire"]) {
        return;
    }
    let wheel = Wheel::new();
    let links: Vec<Link> = (0..BATCH).map(|_| Link::new()).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for turn in 0..2 * BATCHES {
        let position = wheel.position();
        let delays: [u64; BATCH] = std::array::from_fn(|_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            1 + (random >> 54)
        });
        let add = |index: usize| wheel.add(&links, index as u16, position + delays[index]);
        let expire = |_| {
            black_box(wheel.pop(&links, u64::MAX >> 1));
        };
        if turn % 2 == 0 {
            book.mean("timer.add", add);
            book.mean("timer.expire", expire);
        } else {
            book.singles("timer.add", add);
            book.singles("timer.expire", expire);
        }
    }
}

fn peers(book: &mut Book) {
    if book.wants(&["peer.embassy.first", "peer.embassy.poll"])
        && let Some(embassy) = Embassy::new()
    {
        embassy.measure(book);
    }
    ClosureLoop::new().measure(book);
}
