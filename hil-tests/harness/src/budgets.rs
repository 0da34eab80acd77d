//! The cycles that each figure may have: a table in a file, `CYCLES NAME`.

use std::fs;
use std::path::PathBuf;

use crate::report::Report;

const HEAD: &str = "\
# What each figure of the timing app may have, in instructions (= cycles = ns) of counted time.
# `cargo xtask hil --timing` compares, and another figure fails, be it better; `cargo xtask hil --timing --bless` writes
# what it measured.
";

/// How a budget comes to be what was measured.
const LOWER: &str = "`cargo xtask hil --timing --bless` makes it the budget";

/// The file and what it says.
pub struct Budgets {
    path: PathBuf,
    rows: Vec<(String, u64)>,
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
                "{}: `{line}` is not `CYCLES NAME`; --bless writes the file anew",
                path.display()
            )
        })?;
        Ok(Self { path, rows })
    }

    /// One case for each figure and each budget. Time is exact: a figure that got better and kept its old budget
    /// could get as bad again unseen.
    pub fn judge(&self, figures: &[(String, u64)], report: &mut Report) {
        for (name, now) in figures {
            match self.rows.iter().find(|(row, _)| row == name) {
                Some((_, budget)) if now > budget => report.fail(&format!(
                    "timing {name}: {now} cycles, budget {budget} (+{})",
                    now - budget
                )),
                Some((_, budget)) if now < budget => report.fail(&format!(
                    "timing {name}: {now} cycles, budget {budget} (-{}): better; {LOWER}",
                    budget - now
                )),
                Some(_) => report.pass(),
                None => report.fail(&format!("timing {name}: {now} cycles, no budget; {LOWER}")),
            }
        }
        for (row, _) in &self.rows {
            if figures.iter().all(|(name, _)| name != row) {
                report.fail(&format!("timing {row}: has a budget, was not measured"));
            }
        }
    }

    /// Writes what was measured as what may be; tells what changes.
    pub fn bless(&self, figures: &[(String, u64)]) -> Result<(), String> {
        let mut text = HEAD.to_owned();
        for (name, now) in figures {
            text += &format!("{now:>8}  {name}\n");
            match self.rows.iter().find(|(row, _)| row == name) {
                Some((_, old)) if old != now => println!("budget of {name}: {old} -> {now}"),
                Some(_) => {}
                None => println!("budget of {name}: {now}, new"),
            }
        }
        fs::write(&self.path, text).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

fn parse(text: &str) -> Result<Vec<(String, u64)>, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            line.split_once(' ')
                .and_then(|(cycles, name)| Some((name.trim().to_owned(), cycles.parse().ok()?)))
                .ok_or_else(|| line.to_owned())
        })
        .collect()
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
        budgets.judge(&figures, &mut report);
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
        assert_eq!(parse("12\n"), Err("12".to_owned()));
        assert_eq!(parse("x y\n"), Err("x y".to_owned()));
    }
}
