//! Steps: commands that are announced, timed and stop the run when they fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// One command with a name.
pub struct Step {
    /// What it is, in a word or two.
    pub name: &'static str,
    /// What runs. Output goes where ours goes.
    pub command: Command,
}

/// A step that held, or was left out.
pub struct Done {
    name: &'static str,
    end: End,
}

enum End {
    Held(Duration),
    /// Not a part of this machine's Rust.
    Skipped,
    /// It could not run, and with it was not tried what it tries.
    NotRun(String),
}

impl Step {
    /// A step that runs cargo, the one that runs us, at the root of the workspace. Words are parted by spaces.
    pub fn cargo(name: &'static str, line: &str) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(line.split_whitespace()).current_dir(root());
        Self { name, command }
    }

    /// The same with a word in the environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// The same with several.
    #[must_use]
    pub fn envs(mut self, pairs: &[(&str, &str)]) -> Self {
        self.command.envs(pairs.iter().copied());
        self
    }

    /// The command as one would type it, the environment set for it included.
    pub fn line(&self) -> String {
        let set = self.command.get_envs().filter_map(|(key, value)| {
            Some(format!(
                "{}='{}'",
                key.to_string_lossy(),
                value?.to_string_lossy()
            ))
        });
        let program = Path::new(self.command.get_program());
        let program = program
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let args = self
            .command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned());
        set.chain([program])
            .chain(args)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Runs it.
    ///
    /// # Errors
    /// A sentence that says which step failed and how to run it alone.
    pub fn run(self) -> Result<Done, String> {
        self.run_unless(None)
    }

    /// Runs it; a step that ends with the status in `obstacle` could not run, for the reason beside it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_unless(mut self, obstacle: Option<(i32, &str)>) -> Result<Done, String> {
        println!("\n==> {}: {}", self.name, self.line());
        let begin = Instant::now();
        let status = self
            .command
            .status()
            .map_err(|error| format!("{}: cannot start `{}`: {error}", self.name, self.line()))?;
        let took = begin.elapsed();
        if let Some((_, why)) = obstacle.filter(|(code, _)| status.code() == Some(*code)) {
            println!("==> {}: NOT RUN: {why}", self.name);
            return Ok(Done {
                name: self.name,
                end: End::NotRun(why.to_owned()),
            });
        }
        if !status.success() {
            return Err(format!(
                "{} failed after {:.1} s ({status}); to see it alone: {}",
                self.name,
                took.as_secs_f64(),
                self.line()
            ));
        }
        println!("==> {}: ok, {:.1} s", self.name, took.as_secs_f64());
        Ok(Done {
            name: self.name,
            end: End::Held(took),
        })
    }
}

impl Done {
    /// A step that was left out, for a reason that is told here.
    pub fn skipped(name: &'static str, why: &str) -> Self {
        println!("\n==> {name}: skipped: {why}");
        Self {
            name,
            end: End::Skipped,
        }
    }

    /// Why it could not run, if so.
    pub fn not_run(&self) -> Option<String> {
        match &self.end {
            End::NotRun(why) => Some(format!("{} was NOT RUN: {why}", self.name)),
            _ => None,
        }
    }

    /// One line of the closing summary.
    pub fn line(&self) -> String {
        match &self.end {
            End::Held(took) => format!("  {:<12} {:>7.1} s", self.name, took.as_secs_f64()),
            End::Skipped => format!("  {:<12} skipped", self.name),
            End::NotRun(why) => format!("  {:<12} NOT RUN: {why}", self.name),
        }
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    // This package lies two folders below it.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
        .to_path_buf()
}

/// A folder in the one where cargo builds.
pub fn target_dir(name: &str) -> PathBuf {
    let ours =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    root().join(ours).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends_with(code: i32, obstacle: Option<(i32, &str)>) -> Result<Done, String> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exit {code}")]);
        let step = Step {
            name: "step",
            command,
        };
        step.run_unless(obstacle)
    }

    #[test]
    fn a_step_that_could_not_run_is_told_and_no_other_failure_is_forgiven() {
        let obstacle = Some((3, "no parts"));
        let done = ends_with(3, obstacle).unwrap();
        assert!(done.line().ends_with("NOT RUN: no parts"));
        assert!(done.not_run().is_some());
        assert!(ends_with(0, obstacle).unwrap().not_run().is_none());
        assert!(ends_with(1, obstacle).is_err());
        assert!(ends_with(3, None).is_err());
    }
}
