//! The command, run as a user runs it.
#![allow(dead_code, missing_docs)]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One demo at a time, in a runtime directory of this test program's own.
pub struct Place {
    pub dir: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    pub fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = std::env::temp_dir().join(format!("offsched-cli-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir, _alone: alone }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offsched"));
        command.args(args).env("XDG_RUNTIME_DIR", &self.dir);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A demo that is told to run for ever, once its socket is there.
    pub fn long_demo(&self) -> Child {
        let child = self
            .command(&["demo", "--json", "--seconds", "3600"])
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while self.socket().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(60), "no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    /// The demo's socket, once it is there.
    pub fn socket(&self) -> Option<PathBuf> {
        let files = std::fs::read_dir(self.dir.join("offsched"));
        let mut paths = files
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path());
        paths.find(|path| path.extension().is_some_and(|end| end == "sock"))
    }
}

pub fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

/// The one line that says what went wrong, with an exit code of 1.
pub fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("offsched: "));
    line.unwrap_or_else(|| panic!("no complaint in {text}"))
        .to_owned()
}
