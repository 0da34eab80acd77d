//! The dispatcher: runs what is pending above a floor, on the same stack.
//!
//! Whoever lowers the ceiling calls [`Core::leave`]; if a level above the new
//! ceiling is pending, or an interrupt was deferred, [`Core::dispatch`] runs
//! there and then, as a nested call. A job starts only when it is above
//! everything on the stack and everything it may lock is free, so it never
//! waits once it has started (Baker 1991, theorem 6).

use offsched_abi::telemetry::{IDLE_TASK, add};

use crate::Core;
use crate::account::Who;
use crate::ceiling::{Limit, bit};
use crate::core::Entry;
use crate::task::{Job, NONE, NodeState, Release, Task};

impl Core {
    /// Lowers the ceiling to `floor` and runs what that lets in.
    #[inline(always)]
    pub(crate) fn leave(&self, floor: Limit) {
        if self.words.restore(floor) {
            self.words.enter_kernel();
            self.dispatch(floor, 0);
        }
    }

    /// Runs everything pending above `floor` and leaves the ceiling there.
    /// Entered inside a kernel section; `now` is the time, if somebody has just
    /// read the clock, or 0. Each turn takes a note or a job, so it ends when
    /// the work does. Returns the last time it read, or 0.
    #[inline(never)]
    pub(crate) fn dispatch(&self, floor: Limit, mut now: u64) -> u64 {
        loop {
            if self.words.take_deferred() {
                // The alarm may be what left the note, and then it is used up.
                self.alarm.set(u64::MAX);
                now = if now == 0 { self.now() } else { now };
                self.serve(now, floor);
            }
            if self.stopping() {
                self.ready.clear(&self.words);
            }
            if let Some(index) = self.ready.pop(&self.words, self.bound().nodes, floor) {
                now = self.run_ready(index, now, floor);
            } else {
                if floor != Limit::IDLE && floor != Limit::KERNEL {
                    // A doorbell that brought us here has used up the request.
                    self.ask_for_doorbells(floor.level());
                }
                self.watch_floor();
                if !self.words.restore(floor) {
                    return now;
                }
                self.words.enter_kernel();
                now = 0;
            }
        }
    }

    /// True if a job of `task` that is released now is the next to run over `floor`: it need not queue.
    #[inline(always)]
    pub(crate) fn is_next(&self, task: &Task, floor: Limit) -> bool {
        !task.is_paced() && floor.admits(task.level) && self.words.pending() < bit(task.level)
    }

    /// Runs the job of a node that was ready.
    #[inline]
    fn run_ready(&self, index: u16, now: u64, floor: Limit) -> u64 {
        let node = &self.bound().nodes[usize::from(index)];
        let entry = self.bound().entry(node.task.get());
        // From here to Job::open nobody looks, so the node is free as soon as what it holds is in the job.
        node.state.set(NodeState::Free);
        self.activity.set(self.activity.get().wrapping_add(1));
        let job = Job {
            task: entry.id,
            place: index - entry.task.first_node,
            level: entry.task.level,
            queued: true,
            release: node.release.get(),
        };
        let end = self.run_job(job, &entry, now, floor);
        if let Release::Periodic { .. } = entry.task.release {
            self.finish_periodic(index, &entry);
        }
        end
    }

    /// Runs one job. Entered and left inside a kernel section; `now` is the
    /// time or 0, `floor` the ceiling outside. Returns the time at its end, or 0.
    #[inline(always)]
    pub(crate) fn run_job(&self, job: Job, entry: &Entry<'_>, now: u64, floor: Limit) -> u64 {
        let release = job.release;
        let (task, frame) = (entry.task, &self.frame);
        let outer_who = frame.who.replace(Who {
            task: entry.id,
            level: task.level,
        });
        let outer_budget = frame.budget.replace(u64::MAX);
        let outer = if task.measure {
            self.start_clock(entry, now)
        } else {
            (0, 0)
        };
        // First, because mail that is moved back makes the next release an earlier one.
        self.ask_for_doorbells(task.level);
        self.watch(Limit::at(task.level));
        self.call(task.run, job);
        self.words.enter_kernel();
        add(&entry.telemetry.completions, 1);
        let end = if task.measure {
            self.finish(entry, release, outer)
        } else {
            0
        };
        frame.who.set(outer_who);
        frame.budget.set(outer_budget);
        if end > self.due.get() {
            // Releases before the job's end found it still active, whether or not anybody looked in time; and what is
            // next is chosen with them.
            self.release_due(end - 1, floor);
        }
        end
    }

    /// Starts the clock of a measured job: at `now`, if that is known. Returns start and nested of the one below.
    #[inline(always)]
    fn start_clock(&self, entry: &Entry<'_>, now: u64) -> (u64, u64) {
        let (frame, budget) = (&self.frame, entry.state.budget.get());
        if budget >= self.watch_min.get() {
            frame.budget.set(budget);
        }
        let start = if now == 0 { self.now() } else { now };
        (frame.start.replace(start), frame.nested.replace(0))
    }

    /// Makes sure that an alarm comes when a release could preempt code under
    /// `limit`, or when the running job's budget ends.
    #[inline(always)]
    pub(crate) fn watch(&self, limit: Limit) {
        if self.due.get() < self.alarm.get() || self.frame.budget.get() != u64::MAX {
            self.arm_for(limit);
        }
    }

    #[inline(never)]
    fn arm_for(&self, limit: Limit) {
        let release = if limit.admits_any(self.waiting_levels.get()) {
            self.due.get()
        } else {
            u64::MAX
        };
        let wanted = release.min(self.budget_end().saturating_add(1));
        if wanted < self.alarm.get() {
            self.arm(wanted);
        }
    }

    /// The same for the code that a kernel section goes back to: by the level
    /// of the job itself, which may leave its own section before the next
    /// release. The polling idle loop needs no alarm; a turn of the app's idle
    /// function does.
    #[inline(always)]
    pub(crate) fn watch_floor(&self) {
        if self.due.get() < self.alarm.get() || self.frame.budget.get() != u64::MAX {
            self.arm_for_floor();
        }
    }

    #[inline(never)]
    fn arm_for_floor(&self) {
        let who = self.frame.who.get();
        if who.task != NONE || self.idle_turn.get() {
            self.arm_for(Limit::at(who.level));
        }
    }

    /// Does what an interrupt is for: overrun of the running job, due releases.
    fn serve(&self, now: u64, floor: Limit) {
        self.check_budget(now);
        if now >= self.due.get() {
            self.release_due(now, floor);
        }
        self.answer_doorbell(now, floor);
    }

    /// Queues a node for its level. `floor` is the ceiling outside the kernel section.
    #[inline]
    pub(crate) fn push(&self, index: u16, entry: &Entry<'_>, release: u64, floor: Limit) {
        let nodes = self.bound().nodes;
        let node = &nodes[usize::from(index)];
        node.release.set(release);
        node.state.set(NodeState::Ready);
        if !floor.admits(entry.task.level) {
            self.note_holder(entry);
        }
        self.ready.push(&self.words, nodes, entry.task.level, index);
    }

    /// If only a raised ceiling keeps the task from running now, keeps who raised it.
    ///
    /// A ceiling above the running job's own level was raised by that job: one
    /// further down the stack would have kept it from starting.
    fn note_holder(&self, entry: &Entry<'_>) {
        let running = self.frame.who.get();
        if entry.task.level > running.level {
            if running.task != NONE {
                entry.state.holder.set(running.task);
            } else if self.idle_turn.get() {
                entry.state.holder.set(IDLE_TASK);
            }
        }
    }

    /// Puts a node into the wheel and its level among those that wait.
    pub(crate) fn wait_until(&self, index: u16, tick: u64) {
        let bound = self.bound();
        let node = &bound.nodes[usize::from(index)];
        let level = bound.tasks[usize::from(node.task.get())].level;
        self.wheel.add(bound.nodes, index, tick);
        let waiting = &self.waiting[usize::from(level & 63)];
        waiting.set(waiting.get() + 1);
        self.waiting_levels
            .set(self.waiting_levels.get() | bit(level));
    }

    /// Takes note that a node of `level` has left the wheel.
    pub(crate) fn waits_no_more(&self, level: u8) {
        let waiting = &self.waiting[usize::from(level & 63)];
        waiting.set(waiting.get() - 1);
        if waiting.get() == 0 {
            self.waiting_levels
                .set(self.waiting_levels.get() & !bit(level));
        }
    }

    /// Brings `due` up to date with the wheel.
    pub(crate) fn update_due(&self) {
        let scale = self.scale();
        self.due.set(
            self.wheel
                .next()
                .map_or(u64::MAX, |tick| scale.cycles_at(tick)),
        );
    }
}
