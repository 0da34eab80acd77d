//! Where the demo's progress goes: lines redrawn in place on a terminal, a line
//! a second elsewhere, nothing but those lines on the standard error for JSON.

use std::time::Duration;

use super::report::Report;
use crate::output::{Failure, note, print, terminal_columns};

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";
/// Clears the rest of a line.
const CLEAR: &str = "\x1b[K";

/// Where progress goes.
#[derive(Debug)]
pub enum View {
    /// A terminal; the lines drawn so far.
    Live {
        /// Lines to go up before drawing again.
        drawn: usize,
    },
    /// A file or a pipe.
    Lines,
    /// The standard error; the standard output is for the object.
    Json,
}

impl View {
    /// The view for this output.
    pub fn new(json: bool) -> Self {
        match terminal_columns() {
            _ if json => Self::Json,
            Some(_) => Self::Live { drawn: 0 },
            None => Self::Lines,
        }
    }

    /// Time between two calls of [`show`](Self::show).
    pub fn interval(&self) -> Duration {
        match self {
            Self::Live { .. } => Duration::from_millis(500),
            Self::Lines | Self::Json => Duration::from_secs(1),
        }
    }

    /// Shows how things are.
    ///
    /// # Errors
    /// [`Failure`] of the standard output.
    pub fn show(&mut self, report: &Report, seconds: u64) -> Result<(), Failure> {
        match self {
            Self::Live { .. } => {
                let title = format!(
                    "offsched demo: a core on CPU {}, {:.0} of {seconds} s, Ctrl-C ends it",
                    report.cpu, report.seconds
                );
                self.draw(&title, report)
            }
            Self::Lines => print(&format!("{}\n", report.line())),
            Self::Json => {
                note(&report.line());
                Ok(())
            }
        }
    }

    /// Shows the end.
    ///
    /// # Errors
    /// [`Failure`] of the standard output.
    pub fn finish(&mut self, report: &Report) -> Result<(), Failure> {
        let title = format!(
            "offsched demo: a core on CPU {} for {:.1} s",
            report.cpu, report.seconds
        );
        match self {
            Self::Live { .. } => self.draw(&title, report)?,
            Self::Lines => print(&format!("\n{title}\n{}\n", report.table().join("\n")))?,
            Self::Json => return print(&format!("{:#}\n", report.json())),
        }
        print(&format!("\n{}\n", Report::LEGEND))
    }

    /// Draws over what was drawn before. A line too long for the terminal is
    /// cut: a wrapped one would shift all below it.
    fn draw(&mut self, title: &str, report: &Report) -> Result<(), Failure> {
        let Self::Live { drawn } = self else {
            return Ok(());
        };
        let columns = terminal_columns().unwrap_or(usize::MAX);
        let cut = |line: &str| {
            line.chars()
                .take(columns.saturating_sub(1))
                .collect::<String>()
        };
        let mut text = String::from(HIDE_CURSOR);
        if *drawn > 0 {
            text += &format!("\x1b[{drawn}F");
        }
        let table = report.table();
        text += &format!("{BOLD}{}{PLAIN}{CLEAR}\n", cut(title));
        for line in &table {
            text += &format!("{}{CLEAR}\n", cut(line));
        }
        *drawn = table.len() + 1;
        print(&text)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Self::Live { drawn: 1.. } = self {
            // If the terminal is gone, so is its cursor.
            let _ = print(SHOW_CURSOR);
        }
    }
}
