//! Programs that know a device's path only, on the kernel's: the drills of many applications, and the clients in C.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::case::Case;
use crate::rig::{NODE, Rig};

/// Kills in one run of the drill: each run has neighbours of its own.
const KILLS_AT_ONCE: u32 = 500;
/// Expiries of the examples' timer.
const EXPIRIES: u64 = 5;
const PERIOD_US: u64 = 20_000;

/// Not in every guest.
const PYTHON: &str = "/usr/bin/python3";

pub fn cases() -> Vec<Case> {
    let drill = |title, name, count| Case::new(title, move |rig| on_stream(rig, name, count));
    vec![
        drill("64 applications at once", "crowd", 64),
        drill("an application that never reads", "mute", 2),
        drill("an application scribbles over its channel", "scribble", 2),
        drill("applications on tokio", "tokio", 4),
        Case::new("killed applications take nothing from others", kills),
        Case::new("a core starts again under 16 applications", restarts),
        Case::new("the C example", |rig| {
            let program = rig.program("timer");
            timer(rig, program)
        }),
        Case::new("the Python example", |rig| {
            let mut python = Command::new(PYTHON);
            python.arg(rig.file("python/timer.py"));
            timer(rig, python)
        })
        .with_file(PYTHON),
        Case::new("every call of the C library", exercise),
        Case::new("the C library finds the core of a CPU", by_cpu).with_cpus(3),
    ]
}

fn on_stream(rig: &Rig, name: &str, count: u32) -> Outcome {
    let core = rig.start("stream")?;
    drill(rig, name, count, &[])?;
    core.give_back()
}

fn kills(rig: &Rig) -> Outcome {
    let core = rig.start("stream")?;
    let mut left = rig.kills;
    while left > 0 {
        let now = left.min(KILLS_AT_ONCE);
        drill(rig, "kills", now, &[])?;
        left -= now;
    }
    core.give_back()
}

/// By the command, as a person would.
fn restarts(rig: &Rig) -> Outcome {
    let core = rig.start("stream")?;
    let again = format!(
        "exec >/dev/null; {command} return --cpu {cpu} && {command} start --cpu {cpu} --image {image}",
        command = rig.file("bin/offsched").display(),
        cpu = rig.cpu,
        image = rig.file("images/stream").display(),
    );
    drill(rig, "restart", 3, &["--restart", &again])?;
    core.give_back()
}

/// Runs a drill on the core that runs; its figures are noted.
fn drill(rig: &Rig, name: &str, count: u32, more: &[&str]) -> Outcome {
    let mut program = rig.program("offsched-clients");
    program.args(["drill", name, "--device", NODE, "--count"]);
    let figures = printed_by(program.arg(count.to_string()).args(more))?;
    println!("note drill {name}: {}", figures.trim_end());
    Ok(())
}

/// What a program that ends well prints.
pub fn printed_by(program: &mut Command) -> Result<String, String> {
    let output = program
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", program.get_program().display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{text}{errors}", output.status))
}

/// What every timer program prints, whatever it is written in.
fn timer(rig: &Rig, mut program: Command) -> Outcome {
    let core = rig.start("timers")?;
    let numbers = [PERIOD_US.to_string(), EXPIRIES.to_string()];
    let printed = printed_by(program.arg(NODE).args(numbers))?;
    core.give_back()?;
    let mut expected = format!("started, every {PERIOD_US} us\n");
    for expiry in 0..EXPIRIES {
        let (number, at) = (expiry + 1, expiry * PERIOD_US);
        expected += &format!("expiry {number} at +{at} us, 0 untold\n");
    }
    expected += "cancelled\n";
    if printed == expected {
        Ok(())
    } else {
        Err(format!("printed:\n{printed}"))
    }
}

/// Calls well and badly used; then the core goes while the program waits.
fn exercise(rig: &Rig) -> Outcome {
    let core = rig.start("timers")?;
    let mut child = rig
        .program("exercise")
        .arg(NODE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("exercise: {error}"))?;
    let output = child.stdout.take().ok_or("a child without output")?;
    let mut output = BufReader::new(output);
    let mut printed = String::new();
    let read = output.read_line(&mut printed);
    read.map_err(|error| error.to_string())?;
    if printed == "waiting\n" {
        core.give_back()?;
    }
    let read = output.read_to_string(&mut printed);
    read.map_err(|error| error.to_string())?;
    let ended = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if ended.status.success() && printed == "waiting\nthe core is gone\n" {
        Ok(())
    } else {
        let errors = String::from_utf8_lossy(&ended.stderr);
        Err(format!("{}\n{printed}{errors}", ended.status))
    }
}

/// Each of two cores has a service of its own.
fn by_cpu(rig: &Rig) -> Outcome {
    let other = rig.on(rig.cpu + 1);
    let (one, two) = (rig.start("timers")?, other.start("echoes")?);
    let found = [rig.cpu, other.cpu].map(|cpu| {
        let cpu = cpu.to_string();
        printed_by(rig.program("exercise").args([NODE, &cpu]))
    });
    two.give_back()?;
    one.give_back()?;
    match found {
        [Ok(one), Ok(two)] if (&*one, &*two) == ("timer\n", "echo\n") => Ok(()),
        _ => Err(format!("{found:?}")),
    }
}
