//! What periodic tasks cost the core: the idle loop's turns with a release in
//! them, beside turns without one.
//!
//! The executive runs on a port of this module's own, because it must be asked
//! in idle what time it is: two `relax` calls apart lie one turn of the idle
//! loop and, when a tick was due, everything that the tick took: its release,
//! its dispatch, its job, its telemetry. The share of the core that a 1 us task
//! takes is the difference of the two kinds of turn by the cycles of a
//! microsecond. What the machine takes in between makes single turns longer
//! (and shows in the maximum), not the median of their batches.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::Relaxed;

use offsched::abi::telemetry::{CoreTelemetry, TaskTelemetry};
use offsched::rt::{Release, Task};
use offsched::{Core, Memory, Port, Setup};

use crate::clock::now;
use crate::image::{JOBS, count, image, task};
use crate::series::{BATCH, BATCHES, Book, Timing};

/// One way of spending ticks: `tasks` periodic tasks that take turns, one release each tick.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The row of the turns with a release.
    pub id: &'static str,
    /// Periodic tasks; the period of each is as many ticks.
    pub tasks: u16,
    /// Whether their jobs are measured.
    pub is_measured: bool,
}

/// The row of turns without a release.
pub const IDLE: &str = "tick.idle";

/// All loads.
pub const LOADS: [Load; 5] = [
    Load {
        id: "tick.unmeasured",
        tasks: 1,
        is_measured: false,
    },
    Load {
        id: "tick.measured.1",
        tasks: 1,
        is_measured: true,
    },
    Load {
        id: "tick.measured.8",
        tasks: 8,
        is_measured: true,
    },
    Load {
        id: "tick.measured.64",
        tasks: 64,
        is_measured: true,
    },
    Load {
        id: "tick.measured.512",
        tasks: 512,
        is_measured: true,
    },
];

/// Warm up: the first ticks fill caches and the histograms' first buckets.
const WARM_UP_TICKS: u64 = 2_000;
/// After this many ticks a round ends, whatever it has: on a machine that gives the core no time.
const TICKS_MAX: u64 = 1_000_000;

/// A round of one load, on the calling thread.
///
/// # Errors
/// A sentence, if the executive does not start.
pub fn measure(book: &mut Book, load: Load, hz: u64) -> Result<(), String> {
    if !book.wants(&[IDLE, load.id]) {
        return Ok(());
    }
    let core: &'static Core = Box::leak(Box::new(Core::new()));
    let release = |number: u16| Release::Periodic {
        period_us: u32::from(load.tasks),
        offset_us: u32::from(number),
    };
    let tasks: Vec<Task> = (0..load.tasks)
        .map(|number| Task {
            measure: load.is_measured,
            ..task("tick", 1 + (number % 63) as u8, release(number), count)
        })
        .collect();
    let telemetry: Vec<TaskTelemetry> = tasks.iter().map(|_| TaskTelemetry::default()).collect();
    let image = image(core, load.id, tasks, |_| {});
    let port = Probe::new(core);
    let setup = Setup {
        port: &port,
        stack: offsched_hosted::own_stack().map_err(|error| error.to_string())?,
        hz,
        gap_ns: 1_000,
        memory: Memory {
            core: &CoreTelemetry::default(),
            tasks: &telemetry,
        },
        channels: &[],
    };
    // SAFETY: the stack is this thread's, and the port never interrupts; the image's functions belong to its tables.
    let outcome = unsafe { core.run(&image, &setup) };
    outcome.map_err(|error| format!("the core did not start: {error}"))?;
    port.close(book, load.id);
    Ok(())
}

/// A port that looks at the clock in every idle turn.
struct Probe {
    core: &'static Core,
    /// When `relax` was last called, cycles; and the jobs that had run by then.
    last: Cell<(u64, u64)>,
    ticks: Cell<u64>,
    /// Turns without a release, and with one.
    turns: RefCell<[Vec<u64>; 2]>,
}

impl Probe {
    fn new(core: &'static Core) -> Self {
        let room = || Vec::with_capacity(BATCHES * BATCH);
        Self {
            core,
            last: Cell::new((0, 0)),
            ticks: Cell::new(0),
            turns: RefCell::new([room(), room()]),
        }
    }

    /// Writes what was found into the book.
    fn close(self, book: &mut Book, id: &'static str) {
        let [idle, ticks] = self.turns.into_inner();
        for (id, turns) in [(IDLE, idle), (id, ticks)] {
            if let Some(series) = book.series(id, Timing::Exact) {
                turns
                    .chunks_exact(BATCH)
                    .for_each(|batch| series.add_batch(batch));
            }
        }
    }

    #[inline]
    fn note(&self, turn: u64, jobs: u64) {
        self.ticks.set(self.ticks.get() + jobs);
        if self.ticks.get() < WARM_UP_TICKS {
            return;
        }
        let mut turns = self.turns.borrow_mut();
        // Two and more releases in one turn: the core was kept from looking, and catches up.
        if let Some(kind) = turns.get_mut(jobs as usize)
            && kind.len() < kind.capacity()
        {
            kind.push(turn);
        }
        if turns[1].len() == turns[1].capacity() || self.ticks.get() > TICKS_MAX {
            self.core.stop();
        }
    }
}

impl Port for Probe {
    #[inline]
    fn now(&self) -> u64 {
        now()
    }

    /// Nothing preempts here: all tasks are released from idle.
    fn arm(&self, _at: u64) {}

    fn watch_min(&self) -> u64 {
        u64::MAX
    }

    #[inline]
    fn relax(&self, _until: u64) -> Option<u64> {
        let (then, jobs_then) = self.last.get();
        let jobs = JOBS.load(Relaxed);
        let turn = now().saturating_sub(then);
        if then > 0 {
            self.note(turn, jobs.wrapping_sub(jobs_then));
        }
        // Read again: what the note takes is nobody's turn.
        self.last.set((now(), jobs));
        None
    }

    fn pause(&self) {}

    fn ring(&self, _channel: u16) {}

    fn console(&self, _bytes: &[u8]) {}
}
