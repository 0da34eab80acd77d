//! The report as text, for the compile error and for `offsched analyse`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::report::{Contributor, NoBound, Report, Source, TaskReport, Verdict};

/// A length of time in nanoseconds, displayed in the unit that suits it: `500ns`, `12.4us`, `3ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u128);

/// Headings of the columns; the first is set to the left, the others to the right.
const HEADINGS: [&str; 9] = [
    "task", "level", "every", "jitter", "deadline", "budget", "blocking", "bound", "verdict",
];

/// What the numbers leave out if no overhead is declared.
const FREE: &str =
    "the executive's own time is not counted: `overhead = 200ns` on the app adds it to each job";

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "us"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let (whole, mut rest) = (self.0 / unit, self.0 % unit);
        let mut text = whole.to_string();
        if rest > 0 {
            let mut digits = unit.ilog10() as usize;
            while rest % 10 == 0 {
                rest /= 10;
                digits -= 1;
            }
            text += &format!(".{rest:0digits$}");
        }
        f.pad(&(text + name))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Meets => "meets",
            Verdict::Misses => "MISSES",
            Verdict::Unknown => "unknown",
            Verdict::NoDeadline => "no deadline",
        })
    }
}

impl fmt::Display for NoBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoBound::NoBudget { task } => write!(f, "`{task}` declares no budget"),
            NoBound::NoInterval { task } => write!(f, "`{task}` declares no min_interval"),
            NoBound::NoHold { task, resource } => write!(
                f,
                "`{task}` locks `{resource}` and declares neither a hold nor a budget"
            ),
            NoBound::Overload { percent } => write!(
                f,
                "the tasks at and above its level ask for {percent}% of the core"
            ),
            NoBound::GaveUp { at_least_ns } => write!(
                f,
                "its busy period is too long to follow; it is at least {}",
                Time(*at_least_ns)
            ),
        }
    }
}

impl fmt::Display for Contributor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Time(self.ns);
        match &self.source {
            Source::Own => write!(f, "its own jobs with {time}"),
            Source::Jitter => write!(f, "its own release jitter with {time}"),
            Source::Task(name) => write!(f, "`{name}` with {time}"),
            Source::Blocking(b) => {
                write!(f, "`{}` with {time}, while it holds `{}`", b.by, b.resource)
            }
        }
    }
}

impl Report {
    /// The lines of these tasks as a table, under its headings.
    pub fn lines(&self, tasks: &[&TaskReport]) -> String {
        let rows: Vec<[String; 9]> = core::iter::once(HEADINGS.map(String::from))
            .chain(tasks.iter().map(|task| row(task)))
            .collect();
        let width = |c: usize| rows.iter().map(|r| r[c].len()).max().unwrap_or(0);
        let widths: [usize; 9] = core::array::from_fn(width);
        let mut out = String::new();
        for row in &rows {
            out += &format!("{:<w$}", row[0], w = widths[0]);
            for (cell, w) in row[1..8].iter().zip(&widths[1..8]) {
                out += &format!("  {cell:>w$}");
            }
            out += &format!("  {}\n", row[8]);
        }
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks: Vec<&TaskReport> = self.tasks.iter().collect();
        f.write_str(&self.lines(&tasks))?;
        self.tasks.iter().try_for_each(|task| notes(task, f))?;
        if self.overhead_ns == 0 {
            writeln!(f, "{FREE}")?;
        }
        Ok(())
    }
}

/// One task's line in the table.
fn row(t: &TaskReport) -> [String; 9] {
    let us = |us: Option<u64>| ns(us.map(|us| u128::from(us) * 1000));
    [
        t.task.name.clone(),
        t.task.level.to_string(),
        us(t.task.interval_us),
        us((t.task.jitter_us > 0).then_some(t.task.jitter_us)),
        us(t.task.deadline_us),
        ns(t.task.budget_ns.map(u128::from)),
        ns(t.blocking.as_ref().map(|b| u128::from(b.ns))),
        ns(t.bound_ns()),
        t.verdict.to_string(),
    ]
}

/// A time, or a dash where there is none.
fn ns(ns: Option<u128>) -> String {
    ns.map_or_else(|| String::from("-"), |ns| Time(ns).to_string())
}

/// What the table has no room for: by whom a task is blocked, why it has no bound, what makes it late.
fn notes(t: &TaskReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = &t.task.name;
    if let Some(b) = &t.blocking {
        writeln!(
            f,
            "{name}: blocked by `{}`, which holds `{}`",
            b.by, b.resource
        )?;
    }
    if let Err(why) = &t.bound {
        writeln!(f, "{name}: no bound, because {why}")?;
    }
    if let (Verdict::Misses, Some(known)) = (t.verdict, &t.at_least) {
        match known {
            Ok(ns) => writeln!(f, "{name}: what is declared takes at least {}", Time(*ns))?,
            Err(why) => writeln!(f, "{name}: of what is declared alone, {why}")?,
        }
    }
    if let (Verdict::Misses, Some(largest)) = (t.verdict, &t.largest) {
        writeln!(f, "{name}: the largest contributor is {largest}")?;
    }
    Ok(())
}
