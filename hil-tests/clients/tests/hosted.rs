//! Every drill against a hosted device in a process of its own.
//!
//! `OFFSCHED_DRILLS=long` runs the long forms: 10,000 kills, 64 applications, half a minute beside a mute and a scribbling
//! one, 100 restarts.
#![allow(missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The program under its several names.
const PROGRAM: &str = env!("CARGO_BIN_EXE_offsched-clients");

/// Drills take turns: the machine may have no more than one CPU to spare for a core.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn long() -> bool {
    std::env::var_os("OFFSCHED_DRILLS").is_some_and(|form| form == "long")
}

/// A device in a process of its own, killed when dropped.
struct Device {
    server: Child,
    path: PathBuf,
}

impl Device {
    fn start(name: &str) -> Self {
        let name = format!("offsched-drill-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name).join("device.sock");
        let mut server = Command::new(PROGRAM)
            .arg("serve")
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "serving\n");
        Self { server, path }
    }

    fn drill(&self, name: &str, count: u32, more: &[&str]) {
        let output = Command::new(PROGRAM)
            .args(["drill", name, "--count", &count.to_string(), "--device"])
            .arg(&self.path)
            .args(more)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        println!("{name}: {}", text(&output.stdout).trim());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = self.path.parent().map(std::fs::remove_dir_all);
    }
}

fn run(name: &str, short: u32, long_form: u32) {
    let _turn = TURN.lock().unwrap_or_else(|error| error.into_inner());
    let device = Device::start(name);
    device.drill(name, if long() { long_form } else { short }, &[]);
}

#[test]
fn killed_applications_take_nothing_from_their_neighbours() {
    run("kills", 100, 10_000);
}

#[test]
fn many_applications_at_once() {
    run("crowd", 64, 64);
}

#[test]
fn an_application_that_never_reads() {
    run("mute", 1, 30);
}

#[test]
fn an_application_that_scribbles_over_its_channel() {
    run("scribble", 1, 30);
}

#[test]
fn many_channels_of_one_thread() {
    run("tokio", 4, 12);
}

/// The device's process is killed and another takes its place.
#[test]
fn applications_outlive_their_core() {
    let _turn = TURN.lock().unwrap_or_else(|error| error.into_inner());
    let device = Device::start("restart");
    let place = device.path.parent().unwrap().display();
    std::fs::write(
        device.path.with_file_name("pid"),
        device.server.id().to_string(),
    )
    .unwrap();
    // Killed where it stands. The next one's input is a fifo that never ends, and none of our pipes is its own; it is
    // waited for until it serves.
    let restart = format!(
        "cd {place} && kill -9 $(cat pid) && (test -p fifo || mkfifo fifo) && : >said && \
         {{ {PROGRAM} serve {path} <>fifo >said 2>errors & echo $! >pid; }} && \
         until test -s said; do kill -0 $(cat pid) || exit 1; sleep 0.01; done",
        path = device.path.display()
    );
    let count = if long() { 100 } else { 3 };
    device.drill("restart", count, &["--restart", &restart]);
    let pid = std::fs::read_to_string(device.path.with_file_name("pid")).unwrap();
    let ended = Command::new("kill").args(["-9", pid.trim()]).status();
    assert!(ended.unwrap().success());
}
