//! The C client library and the examples in C and Python, built and run against a hosted device.

mod common;
#[path = "../../client/tests/common/mod.rs"]
mod sleeper;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use offsched_hosted::Config;
use offsched_hosted_device::Served;

#[offsched::app(services = [timer = offsched_services::timer { base = 8 }])]
mod timers {
    #[init]
    fn init(_: init::Context) {}
}

/// Panics when told to.
#[offsched::app(services = [timer = offsched_services::timer { base = 8 }])]
mod fails {
    #[init]
    fn init(_: init::Context) {}

    #[task(priority = 1, period = 1ms, on_miss = skip)]
    fn look(_: look::Context) {
        assert!(
            !super::FAIL.load(std::sync::atomic::Ordering::Relaxed),
            "as told"
        );
    }
}

static FAIL: AtomicBool = AtomicBool::new(false);

const PERIOD_US: u64 = 500;
/// So many that the ring from the core goes round.
const COUNT: u64 = 1000;

/// A timer service on a hosted core, and the socket that it is served at.
struct Device {
    served: Option<Served>,
    folder: PathBuf,
}

impl Device {
    fn start(name: &str) -> Self {
        Self::start_app::<timers::App>(name)
    }

    fn start_app<A: offsched::App>(name: &str) -> Self {
        // Sockets have short names, so not in the target folder.
        let folder = std::env::temp_dir().join(format!("offsched-c-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // Locks of its own: other tests may have the CPU, which is shared then.
        let config = Config {
            runtime_dir: Some(folder.clone()),
            ..Config::default()
        };
        let served = Served::start::<A>(config, &folder.join("socket"));
        Self {
            served: Some(served.unwrap_or_else(|error| panic!("{error}"))),
            folder,
        }
    }

    /// Stops the core.
    fn stop(&mut self) {
        if let Some(served) = self.served.take() {
            served.stop();
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("socket")
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds the library and the programs with `make` in a folder of its own, which is returned.
fn build(name: &str, arguments: &[&str]) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut make = Command::new("make");
    make.args(["--silent", "test-programs", "-C"]).arg(here());
    make.arg(format!("OUT={}", out.display())).args(arguments);
    let output = make.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.is_empty(), "{text}");
    out
}

/// Whether a program can be started at all; says so if not.
fn there_is(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

fn run(mut program: Command, device: &Path) -> Output {
    let numbers = [PERIOD_US.to_string(), COUNT.to_string()];
    program.arg(device).args(numbers).output().unwrap()
}

/// What every timer program prints, whatever it is written in.
#[track_caller]
fn assert_expiries(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len() as u64, COUNT + 2, "{text}{errors}");
    assert_eq!(lines[0], format!("started, every {PERIOD_US} us"));
    assert_eq!(lines[lines.len() - 1], "cancelled");
    let mut periods = 0;
    for (line, number) in lines[1..lines.len() - 1].iter().zip(1..) {
        let words: Vec<u64> = line
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect();
        let [expiry, at, untold] = words[..] else {
            panic!("{line}")
        };
        assert_eq!(
            *line,
            format!("expiry {expiry} at +{at} us, {untold} untold")
        );
        assert_eq!(expiry, number);
        // Every expiry is told, or counted: nothing is lost.
        if number > 1 {
            periods += 1 + untold;
        }
        assert_eq!(at, periods * PERIOD_US, "{line}\n{text}");
    }
}

/// Runs the exercise up to its last wait, stops the core, and wants it to end well.
#[track_caller]
fn exercise(mut program: Command, mut device: Device) {
    program
        .arg(device.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut first, mut rest) = (String::new(), String::new());
    out.read_line(&mut first).unwrap();
    if first == "waiting\n" {
        device.stop();
    }
    out.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{first}{rest}{errors}");
    assert_eq!((&*first, &*rest), ("waiting\n", "the core is gone\n"));
}

/// One hosted core at a time: they want a CPU each.
static CORE: Mutex<()> = Mutex::new(());

#[test]
fn the_c_programs_do_as_they_should() {
    let _core = CORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let device = Device::start("plain");
    let out = build("plain", &[]);
    assert_expiries(&run(Command::new(out.join("timer")), &device.path()));
    exercise(Command::new(out.join("exercise")), device);
}

#[test]
fn sanitizers_have_nothing_to_say() {
    let _core = CORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let device = Device::start("sanitized");
    let flags = "CFLAGS=-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all";
    let out = build("sanitized", &[flags]);
    assert_expiries(&run(Command::new(out.join("timer")), &device.path()));
    exercise(Command::new(out.join("exercise")), device);
}

#[test]
fn valgrind_has_nothing_to_say() {
    let _core = CORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !there_is("valgrind") {
        return;
    }
    let device = Device::start("valgrind");
    let out = build("plain-valgrind", &[]);
    let mut valgrind = Command::new("valgrind");
    let options = [
        "--quiet",
        "--leak-check=full",
        "--track-fds=yes",
        "--error-exitcode=9",
    ];
    valgrind.args(options).arg(out.join("exercise"));
    exercise(valgrind, device);
}

#[test]
fn the_example_can_be_linked_statically() {
    let _core = CORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let device = Device::start("static");
    let out = build("static", &["STATIC=1"]);
    assert_expiries(&run(Command::new(out.join("timer")), &device.path()));
}

#[test]
fn the_python_example_gets_its_expiries() {
    let _core = CORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !there_is("python3") {
        return;
    }
    let device = Device::start("python");
    let script = here().join("../python/timer.py");
    let python = || {
        let mut python = Command::new("python3");
        python.arg(&script);
        python
    };
    assert_expiries(&run(python(), &device.path()));
    let mut unknown = python();
    unknown.arg(device.path()).args(["1000", "1", "tiner"]);
    let errors = unknown.output().unwrap().stderr;
    let errors = String::from_utf8_lossy(&errors);
    assert!(errors.contains("no service of that name"), "{errors}");
}

/// It waits for an expiry that is far away, while its device lives on without a core.
#[test]
fn the_python_example_is_told_of_a_crash_at_once() {
    let _core = CORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !there_is("python3") {
        return;
    }
    let device = Device::start_app::<fails::App>("python-crash");
    let mut python = Command::new("python3");
    python.arg(here().join("../python/timer.py"));
    python.arg(device.path()).args(["100000000", "1"]);
    python.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(python.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "started, every 100000000 us\n");
    FAIL.store(true, Ordering::Relaxed);
    let output = python.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("the core crashed"), "{errors}");
}

/// The core of this one sleeps between messages.
#[test]
fn doorbells_wake_a_core_that_sleeps() {
    let out = build("echo", &[]);
    let image = sleeper::Image::start();
    let mut echo = Command::new(out.join("echo"));
    let output = echo.arg(&image.path).arg("200000").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(output.stdout, b"200000 there and back\n");
}
