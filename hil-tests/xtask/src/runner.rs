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

/// A step that held.
pub struct Done {
    name: &'static str,
    took: Option<Duration>,
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
    pub fn run(mut self) -> Result<Done, String> {
        println!("\n==> {}: {}", self.name, self.line());
        let begin = Instant::now();
        let status = self
            .command
            .status()
            .map_err(|error| format!("{}: cannot start `{}`: {error}", self.name, self.line()))?;
        let took = begin.elapsed();
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
            took: Some(took),
        })
    }
}

impl Done {
    /// A step that was left out, for a reason that is told here.
    pub fn skipped(name: &'static str, why: &str) -> Self {
        println!("\n==> {name}: skipped: {why}");
        Self { name, took: None }
    }

    /// One line of the closing summary.
    pub fn line(&self) -> String {
        match self.took {
            Some(took) => format!("  {:<12} {:>7.1} s", self.name, took.as_secs_f64()),
            None => format!("  {:<12} skipped", self.name),
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
