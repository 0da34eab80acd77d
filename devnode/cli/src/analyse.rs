//! `offsched analyse`: the table that the compiler's check of an app rests on.

use std::path::{Path, PathBuf};

use offsched_front::{AppReport, Message, SourceError, analyse_source};

use crate::args::AnalyseOptions;
use crate::output::{Failure, note, print};

/// The services that come with offsched: their files need not be given.
const SHIPPED: [(&str, &str); 1] = [(
    "offsched_services::timer",
    include_str!("../../../services/src/timer/service.rs"),
)];

/// Analyses the apps of all files and prints a table for each.
///
/// # Errors
/// [`Failure`] if a file cannot be read or is wrong, if there is no app, or if
/// one can miss a deadline. What is wrong with a file goes to the standard
/// error, a line each, as the compiler's messages begin.
pub fn run(options: &AnalyseOptions) -> Result<(), Failure> {
    let sources = read(&options.files)?;
    let (mut apps, mut missing, mut wrong) = (0, 0, 0);
    for (index, (path, source)) in sources.iter().enumerate() {
        let others = Others::of(&sources, index);
        match analyse_source(source, &others.texts) {
            Ok(reports) => {
                for report in reports {
                    apps += 1;
                    missing += usize::from(!report.report.is_schedulable());
                    print(&describe(path, &report))?;
                }
            }
            Err(error) => {
                wrong += 1;
                let place = others.name(path, error.file);
                complain(&place, &error);
            }
        }
    }
    verdict(apps, missing, wrong)
}

fn read(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    let one = |path: &PathBuf| {
        let name = path.display().to_string();
        if path.is_dir() {
            return Err(Failure::Message(format!(
                "{name} is a folder: give the app's `.rs` file"
            )));
        }
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Failure::to(&format!("read {name}"), error))?;
        Ok((name, text))
    };
    files.iter().map(one).collect()
}

/// The sources in which one file's services are looked for: the other files,
/// then what is shipped.
struct Others<'a> {
    names: Vec<&'a str>,
    texts: Vec<&'a str>,
}

impl<'a> Others<'a> {
    fn of(sources: &'a [(String, String)], index: usize) -> Self {
        let given = sources.iter().enumerate().filter(|(at, _)| *at != index);
        let given = given.map(|(_, (name, text))| (name.as_str(), text.as_str()));
        let (names, texts) = given.chain(SHIPPED).unzip();
        Self { names, texts }
    }

    /// The name of the file that an error counts as number `file`: 0 is the source itself.
    fn name(&self, own: &str, file: usize) -> String {
        let other = file.checked_sub(1).and_then(|at| self.names.get(at));
        other.map_or(own, |name| name).to_owned()
    }
}

fn complain(file: &str, error: &SourceError) {
    for Message { line, column, text } in &error.messages {
        note(&format!("{file}:{line}:{column}: {text}"));
    }
}

fn describe(path: &str, app: &AppReport) -> String {
    let file = Path::new(path).display();
    format!("app `{}` ({file}:{})\n{}\n", app.name, app.line, app.report)
}

fn verdict(apps: usize, missing: usize, wrong: usize) -> Result<(), Failure> {
    let message = match (apps, missing, wrong) {
        (_, _, 1..) => "not everything could be analysed: see above".to_owned(),
        (0, _, _) => {
            "no app in these files: give one that has a module under #[offsched::app]".to_owned()
        }
        (_, 0, _) => return Ok(()),
        (_, 1, _) => "an app can miss a deadline: see the table".to_owned(),
        (_, _, _) => format!("{missing} apps can miss a deadline: see the tables"),
    };
    Err(Failure::Message(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_services_are_found_without_their_files() {
        let app = "#[offsched::app(services = [timer = offsched_services::timer { base = 8 }])]
                   mod app { #[init] fn init(_: init::Context) {} }";
        let sources = [("app.rs".to_owned(), app.to_owned())];
        let reports = analyse_source(app, &Others::of(&sources, 0).texts).unwrap();
        assert_eq!(reports.len(), 1);
        assert!(reports[0].report.task("timer.tick").is_some());
        assert!(describe("app.rs", &reports[0]).starts_with("app `app` (app.rs:2)\n"));
    }

    #[test]
    fn errors_name_the_file_that_they_are_in() {
        let sources = ["a.rs", "b.rs", "c.rs"].map(|name| (name.to_owned(), String::new()));
        let others = Others::of(&sources, 1);
        let names = [0, 1, 2, 3].map(|file| others.name("b.rs", file));
        assert_eq!(names, ["b.rs", "a.rs", "c.rs", "offsched_services::timer"]);
    }

    #[test]
    fn the_verdict_fails_unless_every_app_is_schedulable() {
        assert!(verdict(2, 0, 0).is_ok());
        for bad in [(0, 0, 0), (1, 1, 0), (3, 2, 0), (1, 0, 1)] {
            assert!(verdict(bad.0, bad.1, bad.2).is_err(), "{bad:?}");
        }
    }
}
