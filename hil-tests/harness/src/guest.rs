//! A guest that runs: its lines, answers to its questions, its end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::machine::{Boot, Machine};
use crate::monitor::Monitor;

/// What the core writes to the third serial line, which Linux leaves alone.
pub const CORE_LOG: &str = "core.log";

/// Between two words about a guest that is at it.
const PROGRESS: Duration = Duration::from_secs(60);
/// Characters of its last line that they show.
const SHOWN: usize = 100;

/// What comes from a guest next.
pub enum Next {
    /// A line of its program.
    Line(String),
    /// It has powered off, or its machine has ended otherwise.
    Ended,
    /// Nothing, for longer than the harness waits.
    Silence,
}

/// A guest that runs; killed when dropped.
pub struct Guest {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// All its lines.
    said: Vec<String>,
    kernel_log: PathBuf,
    patience: Duration,
    /// When somebody was last told how far it is.
    told: Instant,
    pub monitor: Monitor,
}

impl Guest {
    /// Switches a machine on. The kernel's log goes to `kernel.log` in `work`.
    pub fn boot(
        machine: &Machine,
        boot: &Boot<'_>,
        patience: Duration,
        work: &Path,
    ) -> Result<Self, String> {
        let kernel_log = work.join("kernel.log");
        let mut command = machine.command(boot);
        let monitor = Monitor::attach(&mut command, work)?;
        let file = format!("file:{}", kernel_log.display());
        command.args(["-serial", &file, "-chardev", "stdio,id=cases,signal=off"]);
        command.args(["-serial", "chardev:cases"]);
        let file = format!("file:{}", work.join(CORE_LOG).display());
        command.args(["-serial", &file]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start QEMU: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("QEMU has no input or no output".to_owned());
        };
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut bytes = Vec::new();
            while matches!(output.read_until(b'\n', &mut bytes), Ok(1..)) {
                let line = String::from_utf8_lossy(&bytes);
                if sender.send(line.trim_end().to_owned()).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
        Ok(Self {
            child,
            input,
            lines,
            said: Vec::new(),
            kernel_log,
            patience,
            told: Instant::now(),
            monitor,
        })
    }

    /// Waits for what comes next.
    pub fn next(&mut self) -> Result<Next, String> {
        let begin = Instant::now();
        loop {
            if self.told.elapsed() > PROGRESS {
                self.tell();
            }
            let left = self.patience.saturating_sub(begin.elapsed());
            match self.lines.recv_timeout(left.min(PROGRESS)) {
                Ok(line) => {
                    self.said.push(line.clone());
                    return Ok(Next::Line(line));
                }
                Err(RecvTimeoutError::Timeout) if left > PROGRESS => {}
                Err(RecvTimeoutError::Timeout) => return Ok(Next::Silence),
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            }
        }
    }

    /// That the guest is at it, for whoever watches.
    fn tell(&mut self) {
        let last = self.said.last().map_or("nothing", String::as_str);
        let last: String = last.chars().take(SHOWN).collect();
        println!("  {} lines, the last: {last}", self.said.len());
        self.told = Instant::now();
    }

    fn end(&mut self) -> Result<Next, String> {
        match self.child.wait() {
            Ok(status) if status.success() => Ok(Next::Ended),
            Ok(status) => Err(format!("QEMU: {status}")),
            Err(error) => Err(format!("QEMU: {error}")),
        }
    }

    /// Answers a question of the guest's.
    pub fn answer(&mut self, text: &str) -> Result<(), String> {
        writeln!(self.input, "{text}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("the guest does not listen: {error}"))
    }

    /// All that its program has said so far.
    pub fn said(&self) -> String {
        self.said.join("\n") + "\n"
    }

    /// What its kernel has said so far.
    pub fn kernel_log(&self) -> String {
        let bytes = fs::read(&self.kernel_log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It has ended already, or nobody wants it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
