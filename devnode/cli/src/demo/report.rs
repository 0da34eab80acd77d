//! The figures as a table, as one line, and as JSON.

use serde_json::{Value, json};

use super::client::Traffic;
use super::figures::{Gaps, Tick, Timer};
use super::lateness::Lateness;
use crate::format::{grouped, length};

/// Above this share of the time in gaps the figures are others' more than ours.
const GAPS_PERCENT_MAX: f64 = 5.0;

/// Everything that the demo shows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The core's CPU.
    pub cpu: usize,
    /// The process has no other.
    pub shares_cpu: bool,
    /// Seconds that it has run.
    pub seconds: f64,
    /// The tick's period, us.
    pub tick_us: u64,
    /// The TSC's frequency, Hz.
    pub hz: u64,
    /// The core's tick.
    pub tick: Tick,
    /// What the platform took.
    pub gaps: Gaps,
    /// `timerfd`.
    pub timerfd: Timer,
    /// `clock_nanosleep`.
    pub nanosleep: Timer,
    /// What the application did.
    pub traffic: Traffic,
    /// What makes the figures unrepresentative.
    pub warnings: Vec<String>,
}

impl Report {
    /// What the table's figures are.
    pub const LEGEND: &str = "\
All measured in the same seconds, in the normal scheduling class; Linux's timers on the CPUs
that the core leaves, with a timer slack of 1 ns. Missed: not served before the next was due.
The core's percentiles are a histogram's upper bounds (up to 50% high), all maxima are exact.
Gaps are seen from idle: one that falls into a job, or a turn of an idle function, counts as ours.";

    /// The table, without its title, a line each.
    pub fn table(&self) -> Vec<String> {
        let outside = &self.tick.outside;
        let linux = |name: &str, timer: &Timer| {
            let name = format!("{name}, {}", period(timer.period_us));
            row(&name, &timer.lateness, timer.samples, timer.missed)
        };
        let core = format!("offsched core, {}", period(self.tick_us));
        vec![
            format!(
                "{:<26} {:>7} {:>8} {:>9} {:>11} {:>11} {:>9}",
                "lateness in ns", "p50", "p99", "p99.9", "max", "expiries", "missed"
            ),
            row(
                &core,
                &self.tick.lateness,
                self.tick.ticks,
                self.tick.missed,
            ),
            row(
                "  outside gaps",
                &outside.lateness,
                outside.ticks,
                outside.missed,
            ),
            linux("timerfd", &self.timerfd),
            linux("clock_nanosleep", &self.nanosleep),
            String::new(),
            self.gap_line(),
            self.traffic.line(),
            self.advice(),
        ]
    }

    fn gap_line(&self) -> String {
        let share = self.gaps.total_ns as f64 / (self.seconds.max(0.001) * 1e7);
        format!(
            "gaps (the platform took the CPU): {}, longest {}, together {} ({share:.2}% of the time)",
            grouped(self.gaps.count),
            length(self.gaps.max_ns),
            length(self.gaps.total_ns),
        )
    }

    /// What to do about the figures, where they call for it.
    fn advice(&self) -> String {
        let lost = self.gaps.total_ns as f64 / (self.seconds.max(0.001) * 1e7);
        if self.shares_cpu {
            "With one CPU there is no core to spare: this shows that it works, not how well."
                .to_owned()
        } else if lost > GAPS_PERCENT_MAX {
            format!(
                "Other programs took {lost:.0}% of CPU {}: stop them or isolate the CPU, then look again.",
                self.cpu
            )
        } else {
            String::new()
        }
    }

    /// One line, for outputs that are no terminal.
    pub fn line(&self) -> String {
        format!(
            "{:.0} s: core p50 {} p99.9 {} max {} ns, outside gaps max {} ns; timerfd p50 {} max {} ns; clock_nanosleep p50 {} max {} ns; {} expiries received",
            self.seconds,
            self.tick.lateness.p50,
            self.tick.lateness.p999,
            self.tick.lateness.max,
            self.tick.outside.lateness.max,
            self.timerfd.lateness.p50,
            self.timerfd.lateness.max,
            self.nanosleep.lateness.p50,
            self.nanosleep.lateness.max,
            self.traffic.expiries,
        )
    }

    /// The JSON object. Times end in their unit.
    pub fn json(&self) -> Value {
        let (tick, outside) = (&self.tick, &self.tick.outside);
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "seconds": self.seconds,
            "cpu": self.cpu,
            "tsc_hz": self.hz,
            "core": {
                "period_us": self.tick_us,
                "ticks": tick.ticks,
                "missed": tick.missed,
                "late": tick.late,
                "skipped": tick.skipped,
                "lateness_ns": lateness(&tick.lateness),
                "outside_gaps": {
                    "ticks": outside.ticks,
                    "missed": outside.missed,
                    "lateness_ns": lateness(&outside.lateness),
                },
            },
            "gaps": {
                "count": self.gaps.count,
                "max_ns": self.gaps.max_ns,
                "total_ns": self.gaps.total_ns,
            },
            "timerfd": timer(&self.timerfd),
            "nanosleep": timer(&self.nanosleep),
            "client": self.traffic.json(),
            "warnings": self.warnings,
        })
    }
}

fn lateness(lateness: &Lateness) -> Value {
    json!({
        "p50": lateness.p50,
        "p99": lateness.p99,
        "p999": lateness.p999,
        "max": lateness.max,
    })
}

fn timer(timer: &Timer) -> Value {
    json!({
        "period_us": timer.period_us,
        "samples": timer.samples,
        "missed": timer.missed,
        "lateness_ns": lateness(&timer.lateness),
    })
}

fn row(name: &str, lateness: &Lateness, expiries: u64, missed: u64) -> String {
    format!(
        "{name:<26} {:>7} {:>8} {:>9} {:>11} {:>11} {:>9}",
        grouped(lateness.p50),
        grouped(lateness.p99),
        grouped(lateness.p999),
        grouped(lateness.max),
        grouped(expiries),
        grouped(missed),
    )
}

fn period(us: u64) -> String {
    if us.is_multiple_of(1_000) {
        format!("{} ms", us / 1_000)
    } else {
        format!("{us} us")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_easy_to_read() {
        assert_eq!([period(100), period(1_000)], ["100 us", "1 ms"]);
    }

    #[test]
    fn the_object_has_what_the_issue_asks_for() {
        let object = Report::default().json();
        for place in ["/core", "/core/outside_gaps"] {
            for field in [
                "ticks",
                "missed",
                "lateness_ns/p50",
                "lateness_ns/p99",
                "lateness_ns/p999",
                "lateness_ns/max",
            ] {
                assert!(
                    object.pointer(&format!("{place}/{field}")).is_some(),
                    "{place}/{field}"
                );
            }
        }
        for field in [
            "gaps/count",
            "gaps/max_ns",
            "gaps/total_ns",
            "timerfd/lateness_ns/p999",
            "nanosleep/lateness_ns/max",
        ] {
            assert!(object.pointer(&format!("/{field}")).is_some(), "{field}");
        }
    }

    #[test]
    fn the_table_fits_a_terminal_of_a_hundred_columns() {
        assert!(
            Report::default()
                .table()
                .iter()
                .all(|line| line.len() <= 99)
        );
    }
}
