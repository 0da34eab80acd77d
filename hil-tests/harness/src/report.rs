//! What the cases said.

use std::collections::BTreeMap;
use std::time::Duration;

/// Lines of the kernel's log that are shown when a guest did not get to its end.
const LOG_LINES: usize = 40;

/// How many cases passed, and what the others said.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub passed: u32,
    pub failed: u32,
    /// The guest came to the end of its cases.
    pub complete: bool,
    /// Boots that were made once more.
    pub again: u32,
    /// Figures of the timing app: names and cycles, in the guest's order.
    pub figures: Vec<(String, u64)>,
    complaints: Vec<String>,
    skipped: Vec<String>,
    notes: Vec<String>,
    /// The last line was a complaint, which goes on.
    failing: bool,
}

impl Report {
    /// Reads all lines of a program.
    pub fn parse(text: &str) -> Self {
        let mut report = Self::default();
        text.lines().for_each(|line| report.line(line.trim_end()));
        report
    }

    /// Takes a line: `pass NAME`, `fail NAME: why`, `skip NAME: why`, `note TEXT`,
    /// `figure NAME CYCLES`, `round N of M`, `done`; others belong to the complaint before.
    pub fn line(&mut self, line: &str) {
        let failing = std::mem::take(&mut self.failing);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "pass" => self.passed += 1,
            "fail" => {
                self.fail(rest);
                self.failing = true;
            }
            "skip" => self.skipped.push(rest.to_owned()),
            "note" => self.notes.push(rest.to_owned()),
            "done" => self.complete = true,
            // It is at it, that is all.
            "round" => {}
            "figure" if let Some(figure) = figure(rest) => self.figures.push(figure),
            _ if failing => {
                if let Some(complaint) = self.complaints.last_mut() {
                    complaint.push('\n');
                    complaint.push_str(line);
                }
                self.failing = true;
            }
            _ => {}
        }
    }

    /// A case of the harness's own, which held.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// A case that did not hold, as `NAME: why`.
    pub fn fail(&mut self, what: &str) {
        self.failed += 1;
        self.complaints.push(format!("fail {what}"));
    }

    /// A case of the harness's own.
    pub fn case(&mut self, name: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.pass(),
            Err(why) => self.fail(&format!("{name}: {why}")),
        }
    }

    /// One that failed before it had any case.
    pub fn broken(what: &str, why: &str) -> Self {
        let mut report = Self::default();
        report.fail(&format!("{what}: {why}"));
        report
    }

    /// Something to tell.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// The guest did not get to the end: a failure of its own.
    pub fn cut_short(&mut self, how: &str, said: &str, log: &str) {
        self.fail(&format!(
            "the guest {how}; its last words:\n{}\nits kernel's:\n{}",
            tail(said),
            tail(log)
        ));
    }

    /// What failed first.
    pub fn first_complaint(&self) -> Option<&str> {
        self.complaints.first().map(String::as_str)
    }

    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.again += other.again;
        self.complaints.extend(other.complaints);
        self.skipped.extend(other.skipped);
        self.notes.extend(other.notes);
    }

    /// What was left out, and how often.
    fn skips(&self) -> BTreeMap<&str, usize> {
        let mut all = BTreeMap::new();
        for what in &self.skipped {
            *all.entry(what.as_str()).or_default() += 1;
        }
        all
    }

    /// Complaints, what was left out, and notes, each under the guest's name.
    pub fn print(&self, guest: &str, took: Duration) {
        for complaint in &self.complaints {
            println!("{complaint}");
        }
        for (what, lines) in [("skipped ", &self.skipped), ("", &self.notes)] {
            for line in lines {
                println!("{guest}: {what}{line}");
            }
        }
        let seconds = took.as_secs_f64();
        println!(
            "{guest}: {} passed, {} failed, {seconds:.1} s",
            self.passed, self.failed
        );
    }
}

/// What ran, one after the other: a line each at the end, when the lines of the first are long gone.
#[derive(Default)]
pub struct Summary {
    pub total: Report,
    rows: Vec<String>,
}

impl Summary {
    /// Tells how one ended.
    pub fn add(&mut self, name: &str, report: Report, took: Duration) {
        report.print(name, took);
        self.rows.push(format!(
            "{:>7} {:>7} {:>7} {:>9.1} s  {name}",
            report.passed,
            report.failed,
            report.skipped.len(),
            took.as_secs_f64()
        ));
        self.total.add(report);
    }

    /// The table, if there is more than one line; under it what failed and what was left out.
    pub fn print(&self) {
        if self.total.again > 0 {
            println!("{} boots were made once more: see above", self.total.again);
        }
        if self.rows.len() > 1 {
            println!("\n passed  failed skipped        time  machine");
            self.rows.iter().for_each(|row| println!("{row}"));
            self.total.complaints.iter().for_each(|complaint| {
                println!("{}", complaint.lines().next().unwrap_or_default());
            });
            for (what, times) in self.total.skips() {
                println!("skipped {times} times: {what}");
            }
        }
    }
}

fn figure(text: &str) -> Option<(String, u64)> {
    let (name, cycles) = text.rsplit_once(' ')?;
    Some((name.to_owned(), cycles.parse().ok()?))
}

/// The end of a log.
pub fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_and_complaints_kept() {
        let report = Report::parse(
            "pass one\nfail two: no\n  | more\npass three\nskip four: no CPU\nfigure a b 12\ndone\n",
        );
        assert_eq!(
            (report.passed, report.failed, report.complete),
            (2, 1, true)
        );
        assert_eq!(report.complaints, ["fail two: no\n  | more"]);
        assert_eq!(report.skipped, ["four: no CPU"]);
        assert_eq!(report.figures, [("a b".to_owned(), 12)]);
    }

    #[test]
    fn a_guest_that_stops_short_has_failed() {
        let mut report = Report::parse("pass one\n");
        assert!(!report.complete);
        report.cut_short("ended before its cases did", "c\n", "a\nb\n");
        assert_eq!(report.failed, 1);
        assert!(report.complaints[0].ends_with("a\nb"));
    }

    #[test]
    fn what_could_not_run_is_a_failure_and_the_others_are_kept() {
        let mut summary = Summary::default();
        summary.add("one", Report::broken("boot", "no QEMU"), Duration::ZERO);
        summary.add(
            "two",
            Report::parse("pass a\npass b\nskip c: 2 of 3\nskip c: 2 of 3\ndone\n"),
            Duration::ZERO,
        );
        assert_eq!((summary.total.passed, summary.total.failed), (2, 1));
        assert_eq!(summary.total.complaints, ["fail boot: no QEMU"]);
        assert!(summary.rows[1].ends_with("two"));
        let skips: Vec<_> = summary.total.skips().into_iter().collect();
        assert_eq!(skips, [("c: 2 of 3", 2)]);
    }
}
