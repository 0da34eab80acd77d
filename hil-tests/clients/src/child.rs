//! Processes of a drill: this very program in another role.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::roles::Role;

/// An application that runs. Dropping it kills it.
pub struct Player {
    child: Child,
    lines: BufReader<ChildStdout>,
    role: Role,
}

impl Player {
    /// Starts a role and waits until it has its channel.
    ///
    /// # Errors
    /// A sentence.
    pub fn start(role: Role, device: &Path) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let name = clap::ValueEnum::to_possible_value(&role).ok_or("a role without a name")?;
        let mut child = Command::new(program)
            .args(["role", name.get_name(), "--device"])
            .arg(device)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start a {role:?}: {error}"))?;
        let stdout = child.stdout.take().ok_or("a child without output")?;
        let mut player = Self {
            child,
            lines: BufReader::new(stdout),
            role,
        };
        match player.line()?.as_str() {
            "bound" => Ok(player),
            other => Err(format!("{role:?} did not bind: `{other}`")),
        }
    }

    /// Kills it where it stands, as `kill -9` does.
    ///
    /// # Errors
    /// A sentence; also if it had ended by itself.
    pub fn kill(mut self) -> Result<(), String> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(format!("{:?} ended by itself: {status}", self.role));
        }
        self.child.kill().map_err(|error| error.to_string())?;
        self.child.wait().map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Ends its input and takes its last word, in numbers.
    ///
    /// # Errors
    /// A sentence, if it did not end well.
    pub fn finish(mut self) -> Result<Vec<u64>, String> {
        drop(self.child.stdin.take());
        let line = self.line()?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("{:?} failed: {status}", self.role));
        }
        Ok(line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect())
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line);
        read.map_err(|error| error.to_string())?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
