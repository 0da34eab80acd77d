//! The simulated machine: virtual time, one alarm, and what happens from outside.
//!
//! Time passes in three places only: while a job works, while the idle loop
//! relaxes, and in what the port's own calls cost. Whatever falls due on the
//! way is delivered there and then, as a call on the same stack, so that
//! preemption is real: `work` of a preempted job returns when the job has had
//! its own time, however long that took.
//!
//! Two kinds of places differ in what may be delivered there. In *open* ones
//! (a job's own code, the idle loop) handlers run and may spawn. At the
//! executive's calls into the port only the alarm's interrupt is delivered,
//! and the executive defers it if it is inside a section of its own.

use std::cell::{Cell, RefCell};

use offsched::abi::channel::ChannelView;
use offsched::{Core, IdlePolicy, Image};

use crate::access;
use crate::bodies::{Bodies, Target};
use crate::channels;
use crate::config::{Config, Costs, Event};
use crate::record::{Recorder, What};

/// One run's machine, and what runs on it.
pub(crate) struct Machine {
    target: Target,
    pub bodies: Bodies,
    pub channels: Vec<ChannelView<'static>>,
    pub hz: u64,
    pub watch_min: u64,
    /// The app halts in idle: it is to hear of mail by the doorbell.
    pub sleeps: bool,
    pub seed: u64,
    pub record: RefCell<Recorder>,
    pub console: RefCell<String>,
    costs: Costs,
    quantum: u64,
    length: u64,
    /// Virtual time in cycles; never goes back.
    time: Cell<u64>,
    /// How far the counter has gone back behind it.
    back: Cell<u64>,
    /// Virtual time of tick 0, once init has ended.
    epoch: Cell<Option<u64>>,
    /// The next look at the clock is tick 0.
    init_done: Cell<bool>,
    /// The counter's value at which the alarm goes off; `u64::MAX`: never.
    alarm: Cell<u64>,
    /// Cycles since tick 0 and what happens then, the next one last.
    events: RefCell<Vec<(u64, Event)>>,
    points: Cell<u64>,
    inject_at: Cell<u64>,
    inject: RefCell<Option<Event>>,
    over: Cell<bool>,
    /// Turns that the idle loop still makes at its own pace: it looks at one client a turn.
    awake: Cell<usize>,
    /// Doorbells rung for Linux's side: when, and for which place.
    pub rings: RefCell<Vec<(u64, u16)>>,
}

impl Machine {
    pub fn new(config: &Config, target: Target, bodies: Bodies, image: &Image<'_>) -> Self {
        let cycles = |ns: u64| cycles_in(config.hz, ns);
        let mut events: Vec<_> = config
            .events
            .iter()
            .map(|(ns, event)| (cycles(*ns), event.clone()))
            .collect();
        // The next is the last; of two at one time the one that was given first.
        events.reverse();
        events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self {
            target,
            bodies,
            channels: channels::places(image),
            hz: config.hz,
            watch_min: config.watch_min,
            sleeps: image.idle_policy == IdlePolicy::Halt,
            seed: config.seed,
            record: RefCell::new(Recorder::new(image.tasks.len())),
            console: RefCell::new(String::new()),
            costs: config.costs,
            quantum: config.quantum.max(1),
            length: cycles(config.length.as_ticks().saturating_mul(1_000)),
            time: Cell::new(config.start.max(1)),
            back: Cell::new(0),
            epoch: Cell::new(None),
            init_done: Cell::new(false),
            alarm: Cell::new(u64::MAX),
            events: RefCell::new(events),
            points: Cell::new(0),
            inject_at: Cell::new(
                config
                    .inject
                    .as_ref()
                    .map_or(u64::MAX, |inject| inject.point),
            ),
            inject: RefCell::new(config.inject.as_ref().map(|inject| inject.event.clone())),
            over: Cell::new(false),
            awake: Cell::new(0),
            rings: RefCell::new(Vec::new()),
        }
    }

    pub fn core(&self) -> &Core {
        self.target.core()
    }

    /// Cycles of virtual time since tick 0; 0 before.
    pub fn since_start(&self) -> u64 {
        self.epoch.get().map_or(0, |epoch| self.time.get() - epoch)
    }

    /// What the counter showed at tick 0.
    pub fn epoch(&self) -> u64 {
        self.epoch.get().unwrap_or(0)
    }

    /// Calls of the executive into the clock and the alarm so far.
    pub fn points(&self) -> u64 {
        self.points.get()
    }

    pub fn cycles(&self, ns: u64) -> u64 {
        cycles_in(self.hz, ns)
    }

    /// The app's init has ended: the executive's next look at the clock is tick 0.
    pub fn init_has_ended(&self) {
        self.init_done.set(true);
    }

    /// The last job has ended: nothing more comes from outside.
    pub fn close(&self) {
        self.over.set(true);
        self.events.borrow_mut().clear();
    }

    /// The calling job's own time goes by. Called at open places only.
    ///
    /// What falls due at the very end is left to whoever has the core next: a
    /// job that ends at a release is not preempted by it.
    pub fn work(&self, cycles: u64) {
        let mut left = cycles;
        while left > 0 {
            self.deliver();
            self.record.borrow_mut().resume(self.since_start());
            let step = left.min(self.until_next());
            self.pass(step);
            left -= step;
        }
    }

    /// A turn of a wait loop: a small stretch, or up to the next event. Called at open places only.
    pub fn pause(&self) {
        self.deliver();
        self.pass(self.quantum.min(self.until_next()));
        self.deliver();
    }

    /// A turn of the idle function takes time, whatever it does. Called at open places only.
    pub fn idle_turn_ends(&self) {
        self.work(self.costs.idle_turn.max(1));
    }

    /// Idle up to `until` (the counter's value), or to the next event. The value at which the core meant to be back.
    pub fn relax(&self, until: u64) -> u64 {
        let until = if until == u64::MAX {
            until
        } else {
            until.saturating_add(self.back.get())
        };
        let until = match self.awake.get() {
            0 => until,
            turns => {
                self.awake.set(turns - 1);
                until.min(self.time.get() + self.quantum)
            }
        };
        // With nothing left to wait for the run is over, and the executive about to see it.
        let target = Some(until.min(self.next_event())).filter(|target| *target != u64::MAX);
        self.time.set(self.time.get().max(target.unwrap_or(0)));
        let meant = self.reading();
        self.deliver();
        meant
    }

    /// The executive looks at the clock.
    pub fn read_clock(&self) -> u64 {
        self.point(self.costs.now);
        if self.init_done.replace(false) {
            self.epoch.set(Some(self.time.get()));
        }
        self.reading()
    }

    /// The executive sets the alarm.
    pub fn set_alarm(&self, at: u64) {
        self.alarm.set(at);
        self.point(self.costs.arm);
    }

    /// The counter's value.
    fn reading(&self) -> u64 {
        self.time.get().wrapping_sub(self.back.get())
    }

    fn pass(&self, cycles: u64) {
        self.time.set(self.time.get().saturating_add(cycles));
    }

    /// A call of the executive into the port: an alarm that is due goes off here, and an injected interrupt comes here.
    fn point(&self, cost: u64) {
        self.pass(cost);
        let point = self.points.get();
        self.points.set(point + 1);
        if point == self.inject_at.get() {
            let event = self.inject.borrow_mut().take();
            match event {
                Some(event @ (Event::Spawn(..) | Event::Call(_))) => {
                    self.events.borrow_mut().push((self.since_start(), event));
                    self.interrupt();
                }
                Some(Event::Interrupt) | None => self.interrupt(),
                Some(event) => {
                    self.happen(event);
                    self.interrupt();
                }
            }
        }
        self.fire_if_due();
    }

    /// Virtual time of the alarm.
    fn alarm_time(&self) -> u64 {
        match self.alarm.get() {
            u64::MAX => u64::MAX,
            at => at.saturating_add(self.back.get()),
        }
    }

    /// Virtual time of the next event from outside, the end among them.
    fn next_event(&self) -> u64 {
        let Some(epoch) = self.epoch.get().filter(|_| !self.over.get()) else {
            return u64::MAX;
        };
        let event = self.events.borrow().last().map_or(u64::MAX, |(at, _)| *at);
        epoch.saturating_add(event.min(self.length))
    }

    /// How long nothing happens, in cycles: at least 1, because what was due has been delivered.
    fn until_next(&self) -> u64 {
        self.alarm_time()
            .min(self.next_event())
            .saturating_sub(self.time.get())
            .max(1)
    }

    /// Delivers everything that is due. Called at open places only.
    fn deliver(&self) {
        while self.next_event() <= self.time.get() {
            let event = self
                .events
                .borrow_mut()
                .pop_if(|(at, _)| *at <= self.since_start());
            match event {
                Some((_, event)) => {
                    self.happen(event);
                    self.awake.set(self.channels.len());
                }
                None => {
                    self.close();
                    self.core().stop();
                }
            }
        }
        self.fire_if_due();
    }

    fn fire_if_due(&self) {
        if self.alarm_time() <= self.time.get() {
            self.alarm.set(u64::MAX);
            self.interrupt();
        }
    }

    fn interrupt(&self) {
        self.pass(self.costs.interrupt);
        access::interrupt(self);
    }

    fn happen(&self, event: Event) {
        match event {
            Event::Gap(ns) => {
                let cycles = self.cycles(ns);
                self.note(What::Gap(cycles));
                self.pass(cycles);
            }
            Event::StepBack(ns) => {
                let cycles = self.cycles(ns).min(self.reading());
                self.note(What::StepBack(cycles));
                self.back.set(self.back.get() + cycles);
            }
            Event::Interrupt => self.interrupt(),
            Event::Stop => self.core().stop(),
            Event::Spawn(task, value) => self.bodies.spawn(self, task, value),
            Event::Call(handler) => handler(),
        }
    }

    /// A job starts. Returns its number among its task's.
    pub fn started(&self, task: u16, release: u64, value: u64) -> u32 {
        let release = release.saturating_sub(self.epoch());
        self.record
            .borrow_mut()
            .start(self.since_start(), task, release, value)
    }

    /// The job on top of the stack ends.
    pub fn ended(&self) {
        self.record.borrow_mut().end(self.since_start());
        self.awake.set(self.channels.len());
    }

    /// Writes down what the job on top of the stack does.
    pub fn note(&self, what: What) {
        self.record.borrow_mut().add(self.since_start(), what);
    }
}

/// Cycles in a number of ns, rounded up, saturating.
fn cycles_in(hz: u64, ns: u64) -> u64 {
    let cycles = (u128::from(ns) * u128::from(hz)).div_ceil(1_000_000_000);
    u64::try_from(cycles).unwrap_or(u64::MAX)
}
