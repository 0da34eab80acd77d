//! How mail releases a task: the idle loop's rounds, and doorbells.
//!
//! Idle, the executive looks at one client a turn and releases the channel's
//! task when there is something for it. Before a job below that task's level
//! runs, and before the port sleeps, the executive asks the clients for their
//! doorbell ([`Core::doorbell`]), so mail preempts that job or ends that sleep;
//! back in idle it takes the request back, unless a bell brought it there: then
//! each of the others rings once for nothing.
#![allow(unsafe_code)]

use core::cell::Cell;

use offsched_abi::channel::ChannelView;
use offsched_abi::telemetry::add;

use crate::Core;
use crate::ceiling::Limit;
use crate::task::{Job, NodeState};

/// Where the idle loop looks next, and who was asked for the doorbell.
pub(crate) struct Rounds {
    channel: Cell<u16>,
    client: Cell<u16>,
    /// Bit n: channel n's clients were asked for their doorbell, and no bell has come since.
    asked: Cell<u64>,
    /// The highest level of any channel's task; 0: no channels.
    level: Cell<u8>,
}

/// The most channels that an image can have.
pub const CHANNEL_DECLS_MAX: usize = 64;

impl Rounds {
    pub const fn new() -> Self {
        Self {
            channel: Cell::new(0),
            client: Cell::new(0),
            asked: Cell::new(0),
            level: Cell::new(0),
        }
    }
}

impl Core {
    /// A doorbell of Linux's side: as [`interrupt`](Self::interrupt), and the
    /// channels that were asked for it are looked at.
    ///
    /// # Safety
    /// As for [`interrupt`](Self::interrupt).
    pub unsafe fn doorbell(&self) {
        self.words.ring_bell();
        // SAFETY: the caller's contract is ours.
        unsafe { self.interrupt() };
    }

    /// Makes the channels' ends from the port's views, in the order of the declarations.
    ///
    /// # Safety
    /// On the core, before `init`; the views stay valid until `detach_channels`.
    pub(crate) unsafe fn attach_channels(&self, views: &[ChannelView<'_>]) {
        let rounds = &self.rounds;
        rounds.channel.set(0);
        rounds.client.set(0);
        rounds.asked.set(0);
        let mut first = 0;
        let mut level = 0;
        for channel in self.bound().channels {
            let end = first + usize::from(channel.clients);
            // SAFETY: the ends are dropped by detach_channels before the run returns, so the views and the core outlive
            // them.
            unsafe {
                let core = core::mem::transmute::<&Core, &'static Core>(self);
                let views = core::mem::transmute::<&[ChannelView<'_>], &[ChannelView<'static>]>(
                    &views[first..end],
                );
                channel.slot.attach(core, first as u16, views);
            }
            level = level.max(self.bound().tasks[usize::from(channel.task)].level);
            first = end;
        }
        rounds.level.set(level);
    }

    /// Forgets the ends.
    ///
    /// # Safety
    /// On the core, after the image's `drop`.
    pub(crate) unsafe fn detach_channels(&self) {
        for channel in self.bound().channels {
            // SAFETY: attached by attach_channels, and no task runs any more.
            unsafe { channel.slot.detach() };
        }
    }

    /// The idle loop's turn, whose look at the clock said `now`: looks at the next client. Inside no kernel section.
    #[inline]
    pub(crate) fn look_for_mail(&self, now: u64) {
        if self.rounds.level.get() == 0 {
            return;
        }
        let floor = self.words.enter_kernel();
        if self.rounds.asked.get() != 0 {
            self.take_back_doorbells();
        }
        let (index, client) = (self.rounds.channel.get(), self.rounds.client.get());
        let channel = &self.bound().channels[usize::from(index)];
        if client + 1 < channel.clients {
            self.rounds.client.set(client + 1);
        } else {
            self.rounds.client.set(0);
            let last = usize::from(index) + 1 >= self.bound().channels.len();
            self.rounds.channel.set(if last { 0 } else { index + 1 });
        }
        // SAFETY: the idle loop runs, so no job is on the stack and no lock is held.
        if unsafe { channel.slot.has_mail(usize::from(client)) } {
            self.run_for_mail(channel.task, now, floor);
        }
        self.leave(floor);
    }

    /// Idle, with mail for a channel's task: straight to its job, if it is the next thing to do and nothing else has come
    /// up since the turn began. Inside a kernel section.
    #[inline]
    fn run_for_mail(&self, task: u16, now: u64, floor: Limit) {
        let entry = self.bound().entry(task);
        let node = &self.bound().nodes[usize::from(entry.task.first_node)];
        let free = node.state.get() == NodeState::Free;
        if !free || !self.is_next(entry.task, floor) || self.words.is_deferred() || self.stopping()
        {
            self.pend_mail(task, now, floor);
            return;
        }
        add(&entry.telemetry.releases, 1);
        self.activity.set(self.activity.get().wrapping_add(1));
        let job = Job {
            task,
            place: 0,
            level: entry.task.level,
            queued: false,
            release: now,
        };
        // Started now, not then: an interrupt may have run jobs of its own since.
        self.run_job(job, &entry, 0, floor);
    }

    fn take_back_doorbells(&self) {
        self.rounds.asked.set(0);
        for channel in self.bound().channels {
            // SAFETY: the idle loop runs, so no job is on the stack and no lock is held.
            unsafe { channel.slot.awake() };
        }
    }

    /// Before a job of `level` runs: clients of more urgent tasks are to ring. Inside a kernel section.
    #[inline(always)]
    pub(crate) fn ask_for_doorbells(&self, level: u8) {
        if level < self.rounds.level.get() {
            self.ask_above(level);
        }
    }

    /// The idle loop, before the port sleeps: all clients are to ring. False: one had mail, whose
    /// task has run. Inside no kernel section.
    pub(crate) fn ask_all(&self) -> bool {
        if self.rounds.level.get() == 0 {
            return true;
        }
        let floor = self.words.raise(Limit::KERNEL);
        self.ask_above(0);
        self.leave(floor);
        // Behind the jobs that this has run: one put off may have been among them, and asks again.
        let mut channels = self.bound().channels.iter().enumerate();
        channels.all(|(index, channel)| self.was_asked(index) || self.is_postponed(channel.task))
    }

    /// The channel's clients are to ring.
    fn was_asked(&self, index: usize) -> bool {
        self.rounds.asked.get() & 1 << index != 0
    }

    /// The task looks for mail when its least interval is over, and not before: no use in asking.
    fn is_postponed(&self, task: u16) -> bool {
        let node = usize::from(self.bound().tasks[usize::from(task)].first_node);
        self.bound().nodes[node].state.get() == NodeState::Postponed
    }

    #[inline(never)]
    fn ask_above(&self, level: u8) {
        for (index, channel) in self.bound().channels.iter().enumerate() {
            if self.bound().tasks[usize::from(channel.task)].level <= level {
                continue;
            }
            // SAFETY: a job below the channel's task is about to run or to go on, so nobody on the stack holds a lock
            // with a ceiling at that task's level or above, and the channel's lock has such a ceiling.
            unsafe {
                if self.was_asked(index) || self.is_postponed(channel.task) {
                    channel.slot.tell_of_room();
                } else {
                    self.ask(index, None, Limit::IDLE);
                }
            }
        }
    }

    /// After an interrupt: answers the doorbell, if it was one. Inside a kernel section.
    #[inline(always)]
    pub(crate) fn answer_doorbell(&self, now: u64, floor: Limit) {
        if self.words.take_bell() {
            self.look_at_channels(now, floor);
        }
    }

    /// After a doorbell: looks at the channels, and releases the tasks of those with mail.
    ///
    /// Anybody can ring, and a release without mail would push the next one back by the task's least interval. So only
    /// a task that may not be looked at, because its lock may be held, is released on suspicion, and only if it asked.
    #[inline(never)]
    fn look_at_channels(&self, now: u64, floor: Limit) {
        // A bell rung is a request used up, nobody knows whose: asked again here, or by whoever runs below.
        let asked = self.rounds.asked.replace(0);
        for (index, channel) in self.bound().channels.iter().enumerate() {
            let suspect = asked & 1 << index != 0;
            // Idle, the executive looks by itself from here on: nobody is asked.
            let mail = if floor == Limit::IDLE {
                // SAFETY: no job is on the stack, so nobody holds a lock.
                let has_mail = |client| unsafe { channel.slot.has_mail(usize::from(client)) };
                (0..channel.clients).any(has_mail)
            } else if floor.admits(self.bound().tasks[usize::from(channel.task)].level) {
                // SAFETY: the ceiling outside lets the channel's task in, so nobody holds its lock, as in `ask_above`.
                unsafe { self.ask(index, Some(now), floor) };
                false
            } else {
                suspect
            };
            if mail {
                self.pend_mail(channel.task, now, floor);
            }
        }
    }

    /// Asks a channel's clients to ring, unless its task will look by itself. If there is mail no request stands, and its
    /// task is released instead: asked again when that has run. `now`: the time, if somebody has just read the clock.
    /// Inside a kernel section.
    ///
    /// # Safety
    /// Nobody holds the channel's lock.
    unsafe fn ask(&self, index: usize, now: Option<u64>, floor: Limit) {
        let channel = &self.bound().channels[index];
        if self.is_postponed(channel.task) {
            return;
        }
        // SAFETY: the caller's contract is ours.
        if unsafe { channel.slot.ask() } {
            self.pend_mail(channel.task, now.unwrap_or_else(|| self.now()), floor);
        } else {
            self.rounds.asked.set(self.rounds.asked.get() | 1 << index);
        }
    }

    /// Releases a channel's task, unless it waits to run already.
    fn pend_mail(&self, task: u16, now: u64, floor: Limit) {
        let entry = self.bound().entry(task);
        let index = entry.task.first_node;
        if self.bound().nodes[usize::from(index)].state.get() == NodeState::Free {
            self.queue(index, &entry, now, floor);
        }
    }
}
