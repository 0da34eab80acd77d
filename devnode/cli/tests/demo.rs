//! The command as a newcomer runs it: short demos, bad input, closed outputs.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// One demo at a time, in a runtime directory of this test program's own.
struct Place {
    dir: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = std::env::temp_dir().join(format!("offsched-cli-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir, _alone: alone }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offsched"));
        command.args(args).env("XDG_RUNTIME_DIR", &self.dir);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// A demo that is told to run for ever, once its socket is there.
    fn long_demo(&self) -> Child {
        let child = self
            .command(&["demo", "--json", "--seconds", "3600"])
            .spawn()
            .unwrap();
        let begin = Instant::now();
        let served = || {
            let files = std::fs::read_dir(self.dir.join("offsched"))
                .into_iter()
                .flatten();
            files
                .flatten()
                .any(|file| file.path().extension().is_some_and(|end| end == "sock"))
        };
        while !served() {
            assert!(begin.elapsed() < Duration::from_secs(60), "no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

fn object(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one line that says what went wrong, with an exit code of 1.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("offsched: "));
    line.unwrap_or_else(|| panic!("no complaint in {text}"))
        .to_owned()
}

#[test]
fn a_demo_prints_one_object_with_something_in_every_part() {
    let found = object(&Place::new().run(&["demo", "--seconds", "1", "--json"]));
    for path in [
        "/core/ticks",
        "/core/lateness_ns/max",
        "/core/outside_gaps/ticks",
        "/timerfd/lateness_ns/max",
        "/nanosleep/samples",
        "/client/replies",
        "/client/expiries",
    ] {
        let number = found.pointer(path).and_then(Value::as_u64);
        assert!(
            number.is_some_and(|number| number > 0),
            "{path} in {found:#}"
        );
    }
    assert_eq!(
        found.pointer("/client/refused").and_then(Value::as_u64),
        Some(0)
    );
}

#[test]
fn without_a_terminal_a_table_ends_the_output_and_no_escapes_are_in_it() {
    let output = Place::new().run(&["demo", "--seconds", "1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("\nlateness in ns "),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn an_interrupt_ends_the_demo_early_with_its_figures() {
    let place = Place::new();
    let child = place.long_demo();
    interrupt(&child);
    let found = object(&child.wait_with_output().unwrap());
    assert!(
        found["seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds < 3600.0)
    );
}

#[test]
fn a_second_demo_on_the_same_cpu_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    let first = place.long_demo();
    let second = complaint(&place.run(&["demo", "--seconds", "1"]));
    assert!(
        second.contains("already runs") && second.contains(&first.id().to_string()),
        "{second}"
    );
    interrupt(&first);
    object(&first.wait_with_output().unwrap());
}

#[test]
fn bad_input_is_refused_in_a_line_that_says_what_to_do() {
    let place = Place::new();
    assert!(complaint(&place.run(&["demo", "--cpu", "9999"])).contains("choose from"));
    for args in [["--seconds", "0"], ["--seconds", "-1"], ["--cpu", "x"]] {
        let output = place.run(&["demo", args[0], args[1]]);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
    let nowhere = place
        .command(&["demo"])
        .env("XDG_RUNTIME_DIR", "/proc")
        .output()
        .unwrap();
    assert!(complaint(&nowhere).contains("XDG_RUNTIME_DIR"));
    assert!(complaint(&place.run(&["analyse", "/no/such/file.rs"])).contains("/no/such/file.rs"));
}

#[test]
fn a_reader_that_leaves_ends_the_demo_without_a_complaint() {
    let place = Place::new();
    let mut child = place
        .command(&["demo", "--seconds", "3600"])
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 1];
    out.read_exact(&mut first).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !errors.contains("panicked"),
        "{errors}"
    );
}
