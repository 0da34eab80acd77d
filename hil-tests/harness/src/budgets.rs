//! The cycles that each figure may have: a table in a file, `CYCLES NAME`, or `CYCLES NAME @ KERNEL`.

use std::fs;
use std::path::PathBuf;

use crate::report::Report;

const HEAD: &str = "\
# What each figure of the timing app may have, in instructions (= cycles = ns) of counted time.
# `cargo xtask hil --timing` compares, and another figure fails, be it better; `cargo xtask hil --timing --bless` writes
# what it measured. A figure that passes through Linux is compared on the kernel behind the @ only.
";

/// Figures in which Linux has a part.
const THROUGH_LINUX: [&str; 3] = [
    "application to image",
    "image to Linux's handler",
    "image to blocked reader",
];

/// How a budget comes to be what was measured.
const LOWER: &str = "`cargo xtask hil --timing --bless` makes it the budget";

/// The file and what it says.
pub struct Budgets {
    path: PathBuf,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    cycles: u64,
    /// The only kernel that it is for.
    kernel: Option<String>,
}

impl Budgets {
    /// Reads the file; no file, no budgets.
    pub fn read(path: PathBuf) -> Result<Self, String> {
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let rows = parse(&text).map_err(|line| {
            format!(
                "{}: `{line}` is not `CYCLES NAME [@ KERNEL]`; --bless writes the file anew",
                path.display()
            )
        })?;
        Ok(Self { path, rows })
    }

    /// One case for each figure and each budget. Time is exact: a figure that got better and kept its old budget
    /// could get as bad again unseen. `kernel`: the release that ran.
    pub fn judge(&self, figures: &[(String, u64)], kernel: &str, report: &mut Report) {
        for (name, now) in figures {
            let Some(row) = self.row(name) else {
                report.fail(&format!("timing {name}: {now} cycles, no budget; {LOWER}"));
                continue;
            };
            let budget = row.cycles;
            match &row.kernel {
                Some(other) if other != kernel => report.note(format!(
                    "timing {name}: {now} cycles, not judged: the budget of {budget} is for {other}"
                )),
                _ if *now > budget => report.fail(&format!(
                    "timing {name}: {now} cycles, budget {budget} (+{})",
                    now - budget
                )),
                _ if *now < budget => report.fail(&format!(
                    "timing {name}: {now} cycles, budget {budget} (-{}): better; {LOWER}",
                    budget - now
                )),
                _ => report.pass(),
            }
        }
        for Row { name, .. } in &self.rows {
            if figures.iter().all(|(measured, _)| measured != name) {
                report.fail(&format!("timing {name}: has a budget, was not measured"));
            }
        }
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Writes what was measured as what may be; tells what changes.
    pub fn bless(&self, figures: &[(String, u64)], kernel: &str) -> Result<(), String> {
        let mut text = HEAD.to_owned();
        for (name, now) in figures {
            text += &match THROUGH_LINUX.contains(&name.as_str()) {
                true => format!("{now:>8}  {name} @ {kernel}\n"),
                false => format!("{now:>8}  {name}\n"),
            };
            match self.row(name).map(|row| row.cycles) {
                Some(old) if old != *now => println!("budget of {name}: {old} -> {now}"),
                Some(_) => {}
                None => println!("budget of {name}: {now}, new"),
            }
        }
        fs::write(&self.path, text).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

fn parse(text: &str) -> Result<Vec<Row>, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| row(line).ok_or_else(|| line.to_owned()))
        .collect()
}

fn row(line: &str) -> Option<Row> {
    let (cycles, rest) = line.split_once(' ')?;
    let (name, kernel) = match rest.split_once(" @ ") {
        Some((name, kernel)) => (name, Some(kernel.trim().to_owned())),
        None => (rest, None),
    };
    Some(Row {
        name: name.trim().to_owned(),
        cycles: cycles.parse().ok()?,
        kernel,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, figures: &[(&str, u64)]) -> Report {
        let budgets = Budgets {
            path: PathBuf::new(),
            rows: parse(text).unwrap(),
        };
        let figures: Vec<_> = figures
            .iter()
            .map(|(name, cycles)| ((*name).to_owned(), *cycles))
            .collect();
        let mut report = Report::default();
        budgets.judge(&figures, "6.12", &mut report);
        report
    }

    #[test]
    fn a_figure_of_its_budget_passes() {
        let report = judged("# head\n  12  a b\n 7 c\n", &[("a b", 12), ("c", 7)]);
        assert_eq!((report.passed, report.failed), (2, 0));
    }

    #[test]
    fn a_figure_above_its_budget_below_it_or_without_one_fails() {
        let report = judged("12  a\n12  b\n", &[("a", 13), ("b", 11), ("c", 1)]);
        assert_eq!((report.passed, report.failed), (0, 3));
    }

    #[test]
    fn a_budget_without_a_figure_fails() {
        let report = judged("12  a\n3  b\n", &[("a", 12)]);
        assert_eq!((report.passed, report.failed), (1, 1));
    }

    #[test]
    fn a_line_that_is_no_budget_is_named() {
        for line in ["12", "x y"] {
            assert_eq!(parse(line).err().as_deref(), Some(line));
        }
    }

    #[test]
    fn a_figure_through_linux_is_judged_on_its_kernel_only() {
        let report = judged("12  a @ 6.12\n12  b @ 6.1\n", &[("a", 13), ("b", 13)]);
        assert_eq!((report.passed, report.failed), (0, 1));
    }
}
