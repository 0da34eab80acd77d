//! The log and the crash of a hosted core: this program serves one, the command looks at it.

mod common;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{Place, complaint};
use offsched::App;
use offsched_abi::header::State;
use offsched_hosted::Config;
use offsched_hosted_device::Served;
use offsched_log as _;

/// Logs, and crashes.
#[offsched::app]
mod fails {
    #[init]
    fn init(_: init::Context) {
        defmt::info!("up");
        job::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn job(_: job::Context) {
        defmt::warn!("step {=u8}", 1);
        panic!("as the test\x1b[2J wants");
    }
}

/// Logs, and goes on.
#[offsched::app]
mod steady {
    #[init]
    fn init(_: init::Context) {
        defmt::info!("up and well");
    }
}

/// Serves an app where the command can find it.
fn serve<A: App>(place: &Place, wanted: State) -> (Served, String) {
    let path = place.dir.join("tested.sock");
    let config = Config {
        runtime_dir: Some(place.dir.clone()),
        ..Config::default()
    };
    let served = Served::start::<A>(config, &path).unwrap();
    let begin = Instant::now();
    while served.device().header().state.get() != wanted {
        assert!(begin.elapsed() < Duration::from_secs(60), "not {wanted}");
        std::thread::sleep(Duration::from_millis(1));
    }
    (served, path.to_str().unwrap().to_owned())
}

fn this_program() -> String {
    let path: PathBuf = std::env::current_exe().unwrap();
    path.to_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Without what comes before the severity: the time.
fn without_times(log: &str) -> Vec<&str> {
    log.lines()
        .map(|line| line.trim_start().split_once(' ').unwrap().1)
        .collect()
}

#[test]
fn the_log_of_a_hosted_core_comes_from_its_socket() {
    let place = Place::new();
    let (_served, socket) = serve::<fails::App>(&place, State::Crashed);
    let program = this_program();
    let log = place.run(&["log", "-f", "--device", &socket, "--image", &program]);
    assert!(log.status.success(), "{log:?}");
    assert_eq!(
        without_times(&text(&log.stdout)),
        ["INFO  [init] up", "WARN  [1] step 1"]
    );
    let end = format!("the core has crashed: `offsched crash --device {socket}` says why\n");
    assert!(text(&log.stderr).ends_with(&end), "{log:?}");
    crash(&place, &socket, &program);
    wrong_files(&place, &socket);
}

/// Of the same crash, since an app crashes once in a process.
fn crash(place: &Place, socket: &str, program: &str) {
    let crash = place.run(&["crash", "--device", socket, "--image", program]);
    assert!(crash.status.success(), "{crash:?}");
    let text = text(&crash.stdout);
    assert!(
        text.starts_with(&format!("{socket}, epoch 1: crashed")),
        "{text}"
    );
    for piece in [
        "\ncrashed in task `job`: as the test\\u{1b}[2J wants\n",
        "\nlast log:\n",
        " WARN  [1] step 1\n",
        "a hosted core leaves its message only",
    ] {
        assert!(text.contains(piece), "no `{piece}` in {text}");
    }
    let status = place.run(&["status", "--device", socket]);
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(
        status.contains(&format!("`offsched crash --device {socket}` says where")),
        "{status}"
    );
}

/// A program that the core is no part of.
fn wrong_files(place: &Place, socket: &str) {
    let other = env!("CARGO_BIN_EXE_offsched");
    let sorry = format!("{other} is not the image that crashed: that is build ");
    let log = complaint(&place.run(&["log", "--device", socket, "--image", other]));
    assert!(log.starts_with(&sorry), "{log}");
    let crash = place.run(&["crash", "--device", socket, "--image", other]);
    assert!(complaint(&crash).starts_with(&sorry), "{crash:?}");
    // The message needs no file.
    assert!(text(&crash.stdout).contains("as the test"), "{crash:?}");
    let named = place.run(&["log", "--device", socket, "--cpu", "1", "--image", other]);
    assert!(complaint(&named).ends_with("leave --cpu out"), "{named:?}");
}

#[test]
fn a_hosted_core_that_runs_has_a_log_and_no_crash() {
    let place = Place::new();
    let (served, socket) = serve::<steady::App>(&place, State::Running);
    let program = this_program();
    let log = place.run(&["log", "--device", &socket, "--image", &program]);
    assert_eq!(
        without_times(&text(&log.stdout)),
        ["INFO  [init] up and well"]
    );
    let why = complaint(&place.run(&["crash", "--device", &socket]));
    let expected = format!("no crash record: {socket} is running, ");
    assert!(why.starts_with(&expected), "{why}");
    assert!(why.ends_with(": it looks well"), "{why}");
    served.stop();
}
