//! What the core publishes for anyone allowed to look, without being asked
//! and without waiting.
//!
//! Every word is an atomic with one writer, the core, so counters are read
//! without a lock. Records of several words ([`Autopsy`], [`JobRecord`]) carry
//! a sequence number: odd while being written, and a reader takes the record
//! only if the number was even and the same before and after.
//!
//! All times are cycles of the core's counter; the region's header has the
//! scale.

mod name;

pub use name::{TASK_NAME_BYTES, TASK_NAME_WORDS, TaskName, TaskNameText};

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::histogram::Histogram;
use crate::sequenced::Sequenced;

/// Lateness: two buckets an octave, up to 2^18 cycles (about 100 us).
pub type LatenessHistogram = Histogram<32, 2>;
/// Lateness in gaps: one bucket an octave, up to 2^17 cycles.
pub type GapHistogram = Histogram<16, 1>;
/// Execution time: one bucket an octave, up to 2^21 cycles (about 1 ms).
pub type ExecutionHistogram = Histogram<20, 1>;

/// The most tasks that an autopsy names.
pub const AUTOPSY_TASKS: usize = 3;
/// Job records kept for the autopsy and for readers, overwriting the oldest.
pub const JOB_RECORDS: usize = 64;
/// Words of an [`Autopsy`] as published.
pub const AUTOPSY_WORDS: usize = 5 + AUTOPSY_TASKS;
/// Words of a [`JobRecord`] as published.
pub const JOB_WORDS: usize = 4;
const CYCLES_MASK: u64 = (1 << 48) - 1;
/// No task: an index that is never used.
pub const NO_TASK: u16 = u16::MAX;
/// The app's idle function, where a task is named; never a task's index either.
pub const IDLE_TASK: u16 = u16::MAX - 1;

/// One task's name, counters, histograms, maxima and its worst job.
#[repr(C)]
#[derive(Debug, Default)]
pub struct TaskTelemetry {
    /// `task`, or `service.task` inside a service.
    pub name: TaskName,
    /// Jobs that became ready.
    pub releases: AtomicU64,
    /// Jobs that ran to their end.
    pub completions: AtomicU64,
    /// Jobs that ended after their deadline.
    pub misses: AtomicU64,
    /// Jobs that ran for longer than their budget.
    pub overruns: AtomicU64,
    /// Spawns refused on the core, and releases that found the task's capacity used up.
    pub rejected: AtomicU64,
    /// Releases passed over under the policy `skip`.
    pub skipped: AtomicU64,
    /// Releases moved back to keep the declared least interval.
    pub postponed: AtomicU64,
    /// Jobs that a stop found waiting, ready or for a time still to come, and that were dropped. Published when the run
    /// ends.
    pub dropped: AtomicU64,
    /// Longest time from release to start, cycles.
    pub lateness_max: AtomicU64,
    /// The same among jobs whose wait no gap touched, cycles.
    pub lateness_max_outside_gaps: AtomicU64,
    /// Longest time from release to end, cycles.
    pub response_max: AtomicU64,
    /// Longest execution, without the time of tasks that preempted, cycles.
    pub execution_max: AtomicU64,
    /// Sum of all execution times, cycles.
    pub execution_total: AtomicU64,
    /// Time from release to start, of jobs whose wait no gap touched.
    pub lateness: LatenessHistogram,
    /// Time from release to start, of jobs whose wait a gap touched. The raw
    /// figure is both together.
    pub lateness_in_gaps: GapHistogram,
    /// Execution time of all jobs.
    pub execution: ExecutionHistogram,
    /// The worst job so far: longest response.
    pub worst: Sequenced<AUTOPSY_WORDS>,
}

/// Why a job was late: what stood between its release and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autopsy {
    /// When the job became ready, cycles.
    pub release: u64,
    /// When it started, cycles.
    pub start: u64,
    /// When it ended, cycles.
    pub end: u64,
    /// Cycles of its wait that a gap of the platform covered. The idle loop alone sees gaps: one inside a job counts as
    /// that job's own time.
    pub gap: u64,
    /// Cycles between release and end that nothing here explains: jobs that the trace had lost already, or that are not
    /// measured, and the executive itself.
    pub unknown: u64,
    /// The task that held the ceiling above it at its release, [`IDLE_TASK`], or [`NO_TASK`].
    pub holder: u16,
    /// The tasks that ran longest between release and end, longest first.
    pub ran: [(u16, u64); AUTOPSY_TASKS],
}

/// One finished job in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Index of the task.
    pub task: u16,
    /// When the job started, cycles.
    pub start: u64,
    /// When it ended, cycles.
    pub end: u64,
    /// Execution time without the tasks that preempted it, cycles.
    pub own: u64,
}

/// The core's own telemetry: gaps, faults of the clock, and the trace.
#[repr(C)]
#[derive(Debug)]
pub struct CoreTelemetry {
    /// The counter at tick 0, cycles: from here the schedule's ticks of 1 us count.
    pub tick_zero: AtomicU64,
    /// The idle loop's last look at the clock, cycles: stands still while the core is busy.
    pub heartbeat: AtomicU64,
    /// Stretches that the platform took from the idle core.
    pub gaps: AtomicU64,
    /// The longest of them, cycles.
    pub gap_max: AtomicU64,
    /// Their sum, cycles.
    pub gap_total: AtomicU64,
    /// Times that the clock was seen to go back.
    pub clock_steps_back: AtomicU64,
    /// Alarms and doorbells that found the core open to them; those deferred by a kernel section are not counted.
    pub interrupts: AtomicU64,
    /// Spawns tried from outside the core since the run before, all refused. Published when the run ends.
    pub foreign_spawns: AtomicU64,
    /// Messages of a wrong size, and rings damaged by their clients.
    pub bad_messages: AtomicU64,
    /// Bytes for the emergency console that could not be written at once, and were dropped.
    pub console_lost: AtomicU64,
    /// Interrupts that were meant for nobody here. Bare cores only.
    pub strays: AtomicU64,
    /// Non-maskable interrupts. Bare cores only.
    pub nmis: AtomicU64,
    /// Bytes of the core's stack; 0 where that is not known. Bare cores only.
    pub stack_bytes: AtomicU64,
    /// Most of it that was ever used, as far as the core has looked: a little in each idle turn, all of it at its end.
    pub stack_used: AtomicU64,
    /// 1: the app would poll in idle, and the port halts instead, since a hypervisor has other uses for the processor.
    /// Bare cores only.
    pub poll_refused: AtomicU64,
    /// Finished jobs of measured tasks so far; the newest record is at `(jobs - 1) % JOB_RECORDS`.
    pub jobs: AtomicU64,
    /// The last finished jobs of measured tasks.
    pub trace: [Sequenced<JOB_WORDS>; JOB_RECORDS],
}

impl Default for CoreTelemetry {
    fn default() -> Self {
        Self {
            tick_zero: AtomicU64::new(0),
            heartbeat: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            gap_max: AtomicU64::new(0),
            gap_total: AtomicU64::new(0),
            clock_steps_back: AtomicU64::new(0),
            interrupts: AtomicU64::new(0),
            foreign_spawns: AtomicU64::new(0),
            bad_messages: AtomicU64::new(0),
            console_lost: AtomicU64::new(0),
            strays: AtomicU64::new(0),
            nmis: AtomicU64::new(0),
            stack_bytes: AtomicU64::new(0),
            stack_used: AtomicU64::new(0),
            poll_refused: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            trace: core::array::from_fn(|_| Sequenced::default()),
        }
    }
}

/// Adds to a counter that this core alone writes.
#[inline(always)]
pub fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(amount), Relaxed);
}

/// Raises a maximum that this core alone writes; true if it rose.
#[inline(always)]
pub fn raise(maximum: &AtomicU64, value: u64) -> bool {
    let higher = value > maximum.load(Relaxed);
    if higher {
        maximum.store(value, Relaxed);
    }
    higher
}

impl Autopsy {
    /// The record as words, tasks packed as index in the top 16 bits and cycles below: with the holder, those unknown.
    pub fn to_words(&self) -> [u64; AUTOPSY_WORDS] {
        let packed = |task: u16, cycles: u64| u64::from(task) << 48 | cycles.min(CYCLES_MASK);
        let mut words = [0; AUTOPSY_WORDS];
        words[..5].copy_from_slice(&[
            self.release,
            self.start,
            self.end,
            self.gap,
            packed(self.holder, self.unknown),
        ]);
        for (word, (task, cycles)) in words[5..].iter_mut().zip(self.ran) {
            *word = packed(task, cycles);
        }
        words
    }

    /// The record from words.
    pub fn from_words(words: [u64; AUTOPSY_WORDS]) -> Self {
        let unpacked = |word: u64| ((word >> 48) as u16, word & CYCLES_MASK);
        let (holder, unknown) = unpacked(words[4]);
        Self {
            release: words[0],
            start: words[1],
            end: words[2],
            gap: words[3],
            unknown,
            holder,
            ran: core::array::from_fn(|i| unpacked(words[5 + i])),
        }
    }
}

impl JobRecord {
    /// The record as words.
    #[inline(always)]
    pub fn to_words(&self) -> [u64; JOB_WORDS] {
        [u64::from(self.task), self.start, self.end, self.own]
    }

    /// The record from words.
    pub fn from_words([task, start, end, own]: [u64; JOB_WORDS]) -> Self {
        Self {
            task: task as u16,
            start,
            end,
            own,
        }
    }
}

impl TaskTelemetry {
    /// All lateness, in gaps and outside: bucket bounds and counts, in rising
    /// order of bound.
    pub fn lateness_raw(&self) -> impl Iterator<Item = (u64, u64)> + Clone {
        let (ours, theirs) = (self.lateness.counts(), self.lateness_in_gaps.counts());
        // A gap bucket of an octave has the same upper bound as the octave's second half.
        (0..ours.len()).map(move |i| {
            let upper = LatenessHistogram::upper(i);
            let in_gaps: u64 = theirs
                .iter()
                .enumerate()
                .filter(|(j, _)| LatenessHistogram::bucket(GapHistogram::upper(*j)) == i)
                .map(|(_, n)| n)
                .sum();
            (upper, ours[i] + in_gaps)
        })
    }

    /// Sets everything but the name to zero; before the core starts.
    pub fn clear(&self) {
        let counters = [
            &self.releases,
            &self.completions,
            &self.misses,
            &self.overruns,
            &self.rejected,
            &self.skipped,
            &self.postponed,
            &self.dropped,
            &self.lateness_max,
            &self.lateness_max_outside_gaps,
            &self.response_max,
            &self.execution_max,
            &self.execution_total,
        ];
        counters
            .iter()
            .for_each(|counter| counter.store(0, Relaxed));
        self.lateness.clear();
        self.lateness_in_gaps.clear();
        self.execution.clear();
        self.worst.clear();
    }
}

impl CoreTelemetry {
    /// Sets everything to zero; before the core starts.
    pub fn clear(&self) {
        for counter in [
            &self.tick_zero,
            &self.heartbeat,
            &self.gaps,
            &self.gap_max,
            &self.gap_total,
            &self.clock_steps_back,
            &self.interrupts,
            &self.foreign_spawns,
            &self.bad_messages,
            &self.console_lost,
            &self.strays,
            &self.nmis,
            &self.stack_bytes,
            &self.stack_used,
            &self.jobs,
        ] {
            counter.store(0, Relaxed);
        }
        self.trace.iter().for_each(Sequenced::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_their_words() {
        let autopsy = Autopsy {
            release: 1,
            start: 2,
            end: 3,
            gap: 4,
            unknown: 5,
            holder: NO_TASK,
            ran: [(7, 100), (NO_TASK, 0), (9, CYCLES_MASK)],
        };
        assert_eq!(Autopsy::from_words(autopsy.to_words()), autopsy);
    }

    #[test]
    fn raw_lateness_is_the_sum_of_both_parts() {
        let task = TaskTelemetry::default();
        task.lateness.record(20);
        task.lateness_in_gaps.record(20);
        task.lateness_in_gaps.record(u64::MAX);
        let total: u64 = task.lateness_raw().map(|(_, n)| n).sum();
        assert_eq!(total, 3);
        assert!(task.lateness_raw().any(|(upper, n)| upper == 31 && n == 1));
    }
}
