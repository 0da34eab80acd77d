//! Releases: what happens when a node's tick has come.

use offsched_abi::telemetry::add;

use crate::Core;
use crate::ceiling::Limit;
use crate::core::Entry;
use crate::task::{NodeState, OnMiss, Release};

impl Core {
    /// Releases everything whose tick is at or before `now` (cycles), tick by
    /// tick. Bounded: a gap is one step for a periodic task, however many of
    /// its periods it took, so each node comes up at most once in each wheel.
    pub(crate) fn release_due(&self, now: u64, floor: Limit) {
        let nodes = self.bound().nodes;
        while now >= self.due.get() && self.wheel.next().is_some() {
            let at = self.due.get();
            if let Some(index) = self.wheel.step(nodes) {
                self.expire(index, at, now, floor);
            }
            self.update_due();
        }
    }

    /// A node's tick has come: the wheel's position, whose first cycle is `at`.
    #[inline]
    fn expire(&self, index: u16, at: u64, now: u64, floor: Limit) {
        let bound = self.bound();
        let node = &bound.nodes[usize::from(index)];
        let entry = bound.entry(node.task.get());
        let when = node.link.when();
        let at = if when == self.wheel.position() {
            at
        } else {
            bound.scale.cycles_at(when)
        };
        if let Release::Periodic { period_us, .. } = entry.task.release {
            let passed = self.periods_passed(&entry, when, at, u64::from(period_us), now);
            // Back at once: its level goes on waiting.
            let next = when + (passed + 1) * u64::from(period_us);
            self.wheel.add(bound.nodes, index, next);
            self.release_periodic(index, &entry, at, passed, floor);
            return;
        }
        self.waits_no_more(entry.task.level);
        match node.state.get() {
            NodeState::Postponed => self.push_counted(index, &entry, at, floor),
            _ => self.release_event(index, &entry, at, floor),
        }
    }

    /// Whole periods that have gone by since the release at tick `when`: more than none only after a gap.
    #[inline(always)]
    fn periods_passed(&self, entry: &Entry<'_>, when: u64, at: u64, period: u64, now: u64) -> u64 {
        if now.saturating_sub(at) < entry.state.period.get() {
            return 0;
        }
        (self.scale().tick_of(now).saturating_sub(when)) / period
    }

    /// Releases an event task's node at `at` (cycles), or later if the task's
    /// least interval asks for it.
    #[inline]
    pub(crate) fn release_event(&self, index: u16, entry: &Entry<'_>, at: u64, floor: Limit) {
        let bound = self.bound();
        let node = &bound.nodes[usize::from(index)];
        if bound.scale.epoch() == u64::MAX {
            // From init: the first tick releases it.
            node.state.set(NodeState::Waiting);
            self.wait_until(index, 0);
            return;
        }
        if let Release::Event { min_interval_us } = entry.task.release
            && min_interval_us > 0
        {
            let (allowed, scale) = (&entry.state.allowed, bound.scale);
            let interval = scale.cycles_in(u64::from(min_interval_us));
            if at < allowed.get() {
                let tick = scale.tick_of(allowed.get().saturating_sub(1)) + 1;
                allowed.set(scale.cycles_at(tick).saturating_add(interval));
                add(&entry.telemetry.postponed, 1);
                node.state.set(NodeState::Postponed);
                self.wait_until(index, tick);
                self.update_due();
                return;
            }
            allowed.set(at.saturating_add(interval));
        }
        self.push_counted(index, entry, at, floor);
    }

    #[inline]
    fn push_counted(&self, index: u16, entry: &Entry<'_>, at: u64, floor: Limit) {
        add(&entry.telemetry.releases, 1);
        self.push(index, entry, at, floor);
    }

    /// Releases a periodic task at `at` (cycles), and once more for each of the
    /// `passed` further periods that have gone by.
    #[inline(always)]
    fn release_periodic(&self, index: u16, entry: &Entry<'_>, at: u64, passed: u64, floor: Limit) {
        let state = entry.state;
        if !state.active.get() {
            state.active.set(true);
            self.push_counted(index, entry, at, floor);
            if passed > 0 {
                self.release_late(index, entry, passed, at);
            }
        } else {
            let oldest = self.bound().nodes[usize::from(index)].release.get();
            self.release_late(index, entry, passed + 1, oldest);
        }
    }

    /// Deals with `more` releases that found the job released at `oldest` (cycles) unfinished.
    #[cold]
    fn release_late(&self, index: u16, entry: &Entry<'_>, more: u64, oldest: u64) {
        let bound = self.bound();
        let node = &bound.nodes[usize::from(index)];
        let (task, state, telemetry) = (entry.task, entry.state, entry.telemetry);
        // Judged by the newest of the releases, so that it is the same whenever somebody looks.
        let newest = node.link.when() - task.period_us();
        let age = bound.scale.cycles_at(newest).saturating_sub(oldest);
        let overdue = age >= state.deadline.get();
        match task.on_miss {
            OnMiss::Skip if overdue => {
                add(
                    &telemetry.skipped,
                    more + u64::from(state.backlog.replace(0)),
                );
            }
            OnMiss::Stop if overdue => {
                self.stop_for_miss(entry.id);
            }
            _ => {
                // The newest releases wait; older ones that find no place are refused.
                let waiting = u64::from(state.backlog.get()) + more;
                let kept = waiting.min(u64::from(task.capacity));
                add(&telemetry.rejected, waiting - kept);
                state.backlog.set(kept as u16);
            }
        }
    }

    /// After a periodic job: the next waiting release becomes ready.
    #[inline(always)]
    pub(crate) fn finish_periodic(&self, index: u16, entry: &Entry<'_>) {
        let (bound, state) = (self.bound(), entry.state);
        let backlog = state.backlog.get();
        if backlog == 0 {
            state.active.set(false);
            return;
        }
        // The waiting releases are the last ones before the node's next tick.
        let next = bound.nodes[usize::from(index)].link.when();
        let tick = next - entry.task.period_us() * u64::from(backlog);
        state.backlog.set(backlog - 1);
        // Nobody holds it back: it waited for its own task.
        self.push_counted(index, entry, bound.scale.cycles_at(tick), Limit::IDLE);
    }
}
