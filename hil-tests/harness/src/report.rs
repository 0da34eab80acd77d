//! What the cases said.

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
    complaints: Vec<String>,
    notes: Vec<String>,
}

impl Report {
    /// Reads `pass NAME`, `fail NAME: why`, `note TEXT`, `done`; other lines belong to the case before.
    pub fn parse(text: &str) -> Self {
        let mut report = Self::default();
        let mut failing = false;
        for line in text.lines().map(|line| line.trim_end_matches('\r')) {
            if line.starts_with("pass ") {
                report.passed += 1;
                failing = false;
            } else if line.starts_with("fail ") {
                report.failed += 1;
                report.complaints.push(line.to_owned());
                failing = true;
            } else if let Some(note) = line.strip_prefix("note ") {
                report.notes.push(note.to_owned());
            } else if line == "done" {
                report.complete = true;
            } else if failing && let Some(complaint) = report.complaints.last_mut() {
                complaint.push('\n');
                complaint.push_str(line);
            }
        }
        report
    }

    /// Adds a case that was looked at from outside the guest.
    pub fn case(&mut self, name: &str, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(why) => {
                self.failed += 1;
                self.complaints.push(format!("fail {name}: {why}"));
            }
        }
    }

    /// The guest did not get to the end: a failure of its own.
    pub fn cut_short(&mut self, ended: bool, log: &str) {
        let how = if ended {
            "ended before its cases did"
        } else {
            "hangs"
        };
        let lines: Vec<_> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
        self.failed += 1;
        self.complaints.push(format!(
            "fail the guest {how}; its kernel's last words:\n{tail}"
        ));
    }

    /// Adds another kernel's.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    pub fn print(&self, release: &str, took: Duration) {
        self.complaints
            .iter()
            .for_each(|complaint| println!("{complaint}"));
        self.notes
            .iter()
            .for_each(|note| println!("{release}: {note}"));
        let seconds = took.as_secs_f64();
        println!(
            "{release}: {} passed, {} failed, {seconds:.1} s",
            self.passed, self.failed
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_and_complaints_kept() {
        let report =
            Report::parse("pass one\r\nfail two: no\r\n  | more\r\npass three\r\ndone\r\n");
        assert_eq!(
            (report.passed, report.failed, report.complete),
            (2, 1, true)
        );
        assert_eq!(report.complaints, ["fail two: no\n  | more"]);
    }

    #[test]
    fn a_guest_that_stops_short_has_failed() {
        let mut report = Report::parse("pass one\n");
        assert!(!report.complete);
        report.cut_short(true, "a\nb\n");
        assert_eq!(report.failed, 1);
        assert!(report.complaints[0].ends_with("a\nb"));
    }
}
