//! One core: its words, its start, its idle loop, its end.
#![allow(unsafe_code)]

use core::cell::{Cell, UnsafeCell};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offsched_abi::telemetry::{TaskTelemetry, add};

use crate::account::Frame;
use crate::ceiling::{LEVEL_MAX, Limit, Words};
use crate::channel::ChannelDecl;
use crate::here::Here;
use crate::image::Image;
use crate::mail::Rounds;
use crate::port::Port;
use crate::ready::Ready;
use crate::setup::{Memory, Outcome, Setup, StartError, check};
use crate::slots::Slots;
use crate::task::{Node, Release, State, Task};
use crate::time::{Clock, Scale};
use crate::{Console, Instant};

/// What the core refers to while it runs.
#[derive(Clone, Copy)]
pub(crate) struct Bound<'a> {
    pub tasks: &'a [Task],
    pub nodes: &'a [Node],
    pub states: &'a [State],
    pub channels: &'a [ChannelDecl],
    pub port: &'a dyn Port,
    pub memory: Memory<'a>,
    pub scale: Scale,
}

/// One task with all that belongs to it, looked up once.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub id: u16,
    pub task: &'a Task,
    pub state: &'a State,
    pub telemetry: &'a TaskTelemetry,
}

impl Bound<'_> {
    /// The task of this number.
    #[inline(always)]
    pub fn entry(&self, id: u16) -> Entry<'_> {
        let index = usize::from(id);
        Entry {
            id,
            task: &self.tasks[index],
            state: &self.states[index],
            telemetry: &self.memory.tasks[index],
        }
    }
}

/// One core's executive.
///
/// In a `static` for an app; every word is touched on the core only, except
/// `taken`, `here`, `run_here`, `stop` and `foreign`, which are atomics.
pub struct Core {
    pub(crate) words: Words,
    pub(crate) ready: Ready,
    pub(crate) wheel: Slots,
    /// Cycles at which the wheel next has something to do.
    pub(crate) due: Cell<u64>,
    /// Cycles for which the alarm is armed; `u64::MAX`: not.
    pub(crate) alarm: Cell<u64>,
    /// Nodes in the wheel, by level; and the levels that have any, as pending bits.
    pub(crate) waiting: [Cell<u16>; LEVEL_MAX as usize + 1],
    pub(crate) waiting_levels: Cell<u64>,
    pub(crate) rounds: Rounds,
    /// The job that runs.
    pub(crate) frame: Frame,
    /// A turn of the app's idle function runs.
    pub(crate) idle_turn: Cell<bool>,
    /// Budgets shorter than this, in cycles, are looked at when the job ends.
    pub(crate) watch_min: Cell<u64>,
    /// Counts jobs, to tell a busy stretch from a gap.
    pub(crate) activity: Cell<u32>,
    /// The last gap, cycles.
    pub(crate) gap: Cell<(u64, u64)>,
    /// Added to the port's clock after it stepped back.
    pub(crate) skew: Cell<u64>,
    outcome: Cell<Outcome>,
    stop: AtomicBool,
    taken: AtomicBool,
    /// Open while jobs may be spawned: not before init, nor after a stop.
    pub(crate) here: Here,
    /// Open for the whole run: also while the last jobs end, and what they leave is dropped.
    pub(crate) run_here: Here,
    bound: UnsafeCell<Option<Bound<'static>>>,
    /// Spawns tried from outside, before they can be published.
    foreign: AtomicU64,
}

// SAFETY: what other threads can do with a `&Core` in safe code is: `stop`, an atomic; and `spawn`, `cancel` and what is in
// `log`, which look at `here` or `run_here` first and go on only on the core itself. Everything else is unsafe to call, or a method of
// Clock, Console, Lock and Channel, which exist only on the core and are neither Send nor Sync, or of a Job, which only a
// task's run function is given.
unsafe impl Sync for Core {}

// SAFETY: a node's cells are reached through its Core only, on that core: its link is private to this crate, and the
// public wheel takes bare links only.
unsafe impl Sync for Node {}

// SAFETY: a state's cells are reached through its Core only, on that core.
unsafe impl Sync for State {}

impl Core {
    /// A core at rest.
    pub const fn new() -> Self {
        Self {
            words: Words::new(),
            ready: Ready::new(),
            wheel: Slots::new(),
            due: Cell::new(u64::MAX),
            alarm: Cell::new(u64::MAX),
            waiting: [const { Cell::new(0) }; LEVEL_MAX as usize + 1],
            waiting_levels: Cell::new(0),
            rounds: Rounds::new(),
            frame: Frame::new(),
            idle_turn: Cell::new(false),
            watch_min: Cell::new(0),
            activity: Cell::new(0),
            gap: Cell::new((0, 0)),
            skew: Cell::new(0),
            outcome: Cell::new(Outcome::Stopped),
            stop: AtomicBool::new(false),
            taken: AtomicBool::new(false),
            here: Here::new(),
            run_here: Here::new(),
            bound: UnsafeCell::new(None),
            foreign: AtomicU64::new(0),
        }
    }

    /// Runs an image on this core until it is stopped.
    ///
    /// # Errors
    /// [`StartError`]; then nothing has run.
    ///
    /// # Safety
    /// - The setup's `stack` is the one that this is called on, interrupts run
    ///   on it too, and until this returns no other thread runs on it.
    /// - The image's functions belong to its tables.
    pub unsafe fn run(&self, image: &Image<'_>, setup: &Setup<'_>) -> Result<Outcome, StartError> {
        check(image, setup)?;
        // Asked of the stack itself: a `stop` from elsewhere may close `here` at any time.
        if !Here::would_be(&setup.stack) {
            return Err(StartError::OtherStack);
        }
        let port = setup.port;
        // During init the epoch is the end of time: the tick is 0 until the first release.
        let scale = Scale::new(setup.hz, u64::MAX).ok_or(StartError::BadFrequency(setup.hz))?;
        if self.taken.swap(true, Ordering::Acquire) {
            return Err(StartError::AlreadyRunning);
        }
        let bound = Bound {
            tasks: image.tasks,
            nodes: image.nodes,
            states: image.states,
            channels: image.channels,
            port,
            memory: setup.memory,
            scale,
        };
        // SAFETY: the lifetimes are those of `image` and `setup`, which outlive this call; `bound` is taken back before it
        // returns, and only code on this core, so within this call, reads it. `taken` keeps a second run out.
        unsafe {
            *self.bound.get() = Some(core::mem::transmute::<Bound<'_>, Bound<'static>>(bound))
        };
        self.reset(scale);
        // SAFETY: before init, on the core; the views live as long as `setup`, so beyond detach_channels below.
        unsafe { self.attach_channels(setup.channels) };
        let _tenure = Tenure(self);
        self.run_here.open(&setup.stack);
        self.here.open(&setup.stack);
        // SAFETY: before any task, on the core; the image's functions belong together by the caller's word.
        unsafe { (image.init)(self) };
        // Tick 0 is when init has ended: its length is nobody's lateness.
        self.begin(Scale::new(setup.hz, port.now()).unwrap_or(scale));
        self.idle(image, scale.cycles_in_nanos(setup.gap_ns));
        self.words.raise(Limit::KERNEL);
        self.arm(u64::MAX);
        self.count_dropped();
        // SAFETY: after the last task, on the core, once after init.
        unsafe { (image.drop)(self) };
        add(
            &setup.memory.core.foreign_spawns,
            self.foreign.swap(0, Ordering::Relaxed),
        );
        Ok(self.outcome.get())
    }

    /// Asks the core to stop; callable from anywhere. Jobs that run end first,
    /// jobs that wait do not start.
    pub fn stop(&self) {
        // In this order: one that a later run's start overtakes stops that run, and does not only keep it from spawning.
        self.here.close();
        self.stop.store(true, Ordering::Release);
    }

    /// The alarm or a doorbell of the port: called on the core, on the stack of
    /// whatever it interrupted. Releases what is due and runs what is more
    /// urgent than the interrupted code; inside a kernel section it only leaves
    /// a note.
    ///
    /// # Safety
    /// Called on the core that runs this image, between the start and the end
    /// of [`run`](Self::run).
    pub unsafe fn interrupt(&self) {
        let floor = self.words.ceiling();
        if floor == Limit::KERNEL {
            self.words.defer();
            return;
        }
        self.words.raise(Limit::KERNEL);
        self.words.defer();
        add(&self.bound().memory.core.interrupts, 1);
        self.alarm.set(u64::MAX);
        self.dispatch(floor, 0);
    }

    /// The core's clock.
    ///
    /// # Safety
    /// Called on the core while it runs.
    pub unsafe fn clock(&self) -> Clock<'_> {
        Clock::new(self)
    }

    /// The core's emergency console.
    ///
    /// # Safety
    /// Called on the core while it runs.
    pub unsafe fn console(&self) -> Console<'_> {
        Console::new(self)
    }

    /// Why a caller that is not [here](Here) cannot spawn `task`. The refusal is counted.
    #[cold]
    pub(crate) fn refuse(&self, task: u16) -> crate::Reason {
        if self.run_here.is_here() {
            // On the core, which is stopping. In one step: outside of a kernel section a job may do the same in between.
            let rejected = &self.bound().entry(task).telemetry.rejected;
            rejected.fetch_add(1, Ordering::Relaxed);
            return crate::Reason::NotRunning;
        }
        self.foreign.fetch_add(1, Ordering::Relaxed);
        if self.here.is_open() {
            crate::Reason::NotOnCore
        } else {
            crate::Reason::NotRunning
        }
    }

    /// What the core refers to while it runs. Only on the core.
    #[inline(always)]
    pub(crate) fn bound(&self) -> &Bound<'_> {
        // SAFETY: written before and after the run only; called on the core (type's doc), so within the run.
        let bound = unsafe { &*self.bound.get() };
        debug_assert!(bound.is_some());
        // SAFETY: as above: during the run it is Some.
        unsafe { bound.as_ref().unwrap_unchecked() }
    }

    #[inline(always)]
    pub(crate) fn scale(&self) -> Scale {
        self.bound().scale
    }

    #[inline(always)]
    pub(crate) fn now(&self) -> u64 {
        self.bound().port.now().wrapping_add(self.skew.get())
    }

    pub(crate) fn pause(&self) {
        self.bound().port.pause();
    }

    #[inline]
    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Counts a missed deadline and stops: what waits is dropped at once.
    pub(crate) fn stop_for_miss(&self, task: u16) {
        // A release may have found the job late before its own end does.
        if !self.bound().states[usize::from(task)].missed.replace(true) {
            add(&self.bound().memory.tasks[usize::from(task)].misses, 1);
        }
        if !self.stopping() {
            self.outcome.set(Outcome::Missed(task));
            self.stop();
        }
        self.ready.clear(&self.words);
    }

    fn reset(&self, scale: Scale) {
        self.ready.clear(&self.words);
        self.wheel.reset();
        self.due.set(u64::MAX);
        self.alarm.set(u64::MAX);
        self.waiting.iter().for_each(|level| level.set(0));
        self.waiting_levels.set(0);
        self.frame.reset();
        self.gap.set((0, 0));
        self.skew.set(0);
        self.outcome.set(Outcome::Stopped);
        self.stop.store(false, Ordering::Relaxed);
        self.words.take_deferred();
        self.words.take_bell();
        self.idle_turn.set(false);
        let bound = self.bound();
        self.watch_min.set(bound.port.watch_min());
        bound.memory.core.clear();
        bound.memory.tasks.iter().for_each(TaskTelemetry::clear);
        for (index, (task, state)) in bound.tasks.iter().zip(bound.states).enumerate() {
            state.reset();
            bound.memory.tasks[index].name.set(task.name);
            state.deadline.set(
                task.deadline
                    .map_or(u64::MAX, |us| scale.cycles_in(u64::from(us))),
            );
            state.budget.set(
                task.budget_ns
                    .map_or(u64::MAX, |ns| scale.cycles_in_nanos(ns)),
            );
            if let Release::Periodic { period_us, .. } = task.release {
                state
                    .period
                    .set(scale.cycles_in(u64::from(period_us)).saturating_sub(1));
            }
            for node in task.first_node..task.first_node + task.nodes() {
                bound.nodes[usize::from(node)].reset(index as u16);
            }
        }
    }

    /// Sets tick 0 and puts the first releases into the wheel.
    fn begin(&self, scale: Scale) {
        // SAFETY: on the core, inside its kernel section, before the first interrupt: nobody holds a reference into it.
        if let Some(bound) = unsafe { &mut *self.bound.get() } {
            bound.scale = scale;
        }
        self.bound()
            .memory
            .core
            .tick_zero
            .store(scale.epoch(), Ordering::Relaxed);
        for task in self.bound().tasks {
            if let Release::Periodic { offset_us, .. } = task.release {
                self.wait_until(task.first_node, u64::from(offset_us));
            }
        }
        self.update_due();
    }

    /// Sets the alarm, if it is not set so.
    #[inline]
    pub(crate) fn arm(&self, at: u64) {
        self.alarm.set(at);
        self.bound().port.arm(self.on_port(at));
    }

    /// A time as the port's clock shows it, which may have stepped back; `u64::MAX` stays.
    pub(crate) fn on_port(&self, at: u64) -> u64 {
        if at == u64::MAX {
            at
        } else {
            at.wrapping_sub(self.skew.get())
        }
    }

    /// Now in ticks.
    pub(crate) fn tick(&self) -> Instant {
        Clock::new(self).now()
    }
}

impl Default for Core {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives the core back when its run ends, also by the panic of a job where panics unwind.
struct Tenure<'a>(&'a Core);

impl Drop for Tenure<'_> {
    fn drop(&mut self) {
        self.0.words.raise(Limit::KERNEL);
        // First: whatever goes wrong below, the stack is soon another's.
        self.0.here.close();
        self.0.run_here.close();
        // SAFETY: on the core; no task runs any more, and the image's drop has run or never will.
        unsafe { self.0.detach_channels() };
        // SAFETY: no code on this core runs any more.
        unsafe { *self.0.bound.get() = None };
        self.0.taken.store(false, Ordering::Release);
    }
}
