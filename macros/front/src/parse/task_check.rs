//! A task's arguments against each other.

use super::signature::Signature;
use super::task::Raw;
use crate::ast::OnMiss;
use crate::errors::Errors;
use crate::time::Time;

impl Raw {
    /// Reports every combination that means nothing.
    pub fn check(&self, signature: &Signature, errors: &mut Errors) {
        self.check_release(errors);
        self.check_times(errors);
        self.check_policy(errors);
        self.check_holds(errors);
        self.check_payload(signature, errors);
    }

    /// What releases the task, and what belongs to which kind of release.
    fn check_release(&self, errors: &mut Errors) {
        let by_other = self.event.as_ref().or(self.channel.as_ref());
        if let (Some(period), Some(_)) = (&self.period, by_other) {
            errors.span(
                period.span,
                "a task has one kind of release: keep either the period, or `event` or `channel`",
            );
        }
        if let (Some(event), Some(_)) = (&self.event, &self.channel) {
            errors.at(
                event,
                "a task has one kind of release: a task with a channel is released by its mail",
            );
        }
        match (&self.period, &self.offset, &self.min_interval) {
            (Some(period), Some(offset), _) if offset.ns >= period.ns => errors.span(
                offset.span,
                format!(
                    "the offset must be below the period, {}: it only shifts the first release",
                    period.show()
                ),
            ),
            (None, Some(offset), _) if by_other.is_some() => {
                errors.span(offset.span, "only a periodic task has an offset: remove it")
            }
            _ => {}
        }
        if let (Some(_), None, Some(interval)) = (&self.period, by_other, &self.min_interval) {
            errors.span(
                interval.span,
                "a periodic task's interval is its period: remove min_interval",
            );
        }
        if let (Some(channel), Some((_, capacity))) = (&self.channel, &self.capacity) {
            errors.at(
                capacity,
                format!(
                    "mail waits in the ring of `{channel}`, not in the task: remove the capacity"
                ),
            );
        }
    }

    /// Times against each other, and against `measure = false`.
    fn check_times(&self, errors: &mut Errors) {
        if self.measure == Some(false) {
            for (name, time) in [("deadline", &self.deadline), ("budget", &self.budget)] {
                if let Some(time) = time {
                    errors.span(
                        time.span,
                        format!("with `measure = false` no clock is read, so there is no {name} to check: remove one of the two"),
                    );
                }
            }
        } else if let (Some(budget), Some(deadline)) = (&self.budget, self.deadline())
            && budget.ns > deadline.ns
        {
            let (kind, show) = (self.deadline_kind(), deadline.show());
            errors.span(
                budget.span,
                format!("a job that takes its whole budget misses its deadline, {show}{kind}"),
            );
        }
    }

    /// What only makes sense with a deadline, or with an interval.
    fn check_policy(&self, errors: &mut Errors) {
        if let (Some((_, at)), Some(false)) = (&self.on_miss, self.measure) {
            errors.at(
                at,
                "with `measure = false` no clock is read, so no miss is seen: remove one of the two",
            );
        } else if let (Some((OnMiss::Skip, at)), None) = (&self.on_miss, &self.period)
            && self.is_released()
        {
            errors.at(
                at,
                "only a periodic task has releases to skip: write `count` or `stop`",
            );
        } else if let (Some((_, at)), None) = (&self.on_miss, self.deadline())
            && self.is_released()
        {
            errors.at(
                at,
                "without a deadline nothing is missed: add `deadline = 100us`, or remove on_miss",
            );
        }
        if let (Some(jitter), None) = (&self.jitter, self.interval())
            && self.is_released()
        {
            errors.span(
                jitter.span,
                "jitter is counted from regular releases: add `min_interval = 100us`, or remove it",
            );
        }
    }

    /// No lock is held for longer than the whole job.
    fn check_holds(&self, errors: &mut Errors) {
        let Some(budget) = &self.budget else { return };
        let shared = self.uses.shared.iter().map(|u| (&u.name, &u.hold));
        let channels = self.uses.channels.iter().map(|u| (&u.name, &u.hold));
        for (name, hold) in shared.chain(channels) {
            if let Some(hold) = hold.as_ref().filter(|h| h.ns > budget.ns) {
                errors.span(
                    hold.span,
                    format!(
                        "`{name}` cannot be held for longer than the task's budget, {}",
                        budget.show()
                    ),
                );
            }
        }
    }

    /// Only other tasks send a payload.
    fn check_payload(&self, signature: &Signature, errors: &mut Errors) {
        let Some(first) = signature.payload.first() else {
            return;
        };
        if self.period.is_some() {
            errors.at(
                &first.ty,
                "a periodic task is released by time, with no payload: remove this, or make the task an `event`",
            );
        } else if let Some(channel) = &self.channel {
            errors.at(
                &first.ty,
                format!(
                    "mail is received from `cx.channels.{channel}`, not as an argument: remove this"
                ),
            );
        }
    }

    fn is_released(&self) -> bool {
        self.period.is_some() || self.event.is_some() || self.channel.is_some()
    }

    fn interval(&self) -> Option<&Time> {
        self.period.as_ref().or(self.min_interval.as_ref())
    }

    /// The deadline, by default the interval.
    pub fn deadline(&self) -> Option<&Time> {
        self.deadline.as_ref().or(self.interval())
    }

    fn deadline_kind(&self) -> &'static str {
        match (&self.deadline, &self.period) {
            (Some(_), _) => "",
            (None, Some(_)) => " (by default its period)",
            (None, None) => " (by default its min_interval)",
        }
    }
}
