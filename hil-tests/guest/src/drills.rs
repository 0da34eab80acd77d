//! Images that go wrong: the core says why, Linux lives, the CPU comes back.

use std::fs;
use std::process::Command;
use std::time::Duration;

use offsched_abi::header::State;

use crate::rig::Rig;
use crate::{Outcome, Report};

const STOPS: u32 = 10;

/// Each crash and the words that its message must have.
const CRASHES: [(&str, &str); 8] = [
    ("panic", "a drill"),
    ("page_fault", "page fault at 0x1000"),
    ("write_code", "page fault at 0x4000"),
    ("write_params", "page fault at 0x60000000"),
    ("divide", "divide error"),
    ("protection", "general protection fault"),
    ("opcode", "invalid opcode"),
    ("overflow", "stack overflow"),
];

pub fn run(rig: &Rig, report: &mut Report) {
    for (name, words) in CRASHES {
        report.case(&format!("crash {name}"), || crash(rig, name, words));
    }
    report.case("strays are counted", || strays(rig));
    report.case("interrupts keep registers", || keep(rig));
    report.case("wedge", || wedge(rig));
    report.case("stop a core that runs", || stop(rig));
    report.case("stop a core that starts", || stop_at_once(rig));
    report.case("hot-plug veto", || veto(rig));
    report.case("module in use", || unload(rig));
}

fn crash(rig: &Rig, name: &str, words: &str) -> Outcome {
    let core = rig.start(name)?;
    let state = core.wait(&[State::Crashed, State::Offline])?;
    let (printed, message) = (core.console(), core.crash()?);
    core.give_back()?;
    if state == State::Crashed && message.contains(words) && printed == "before\n" {
        Ok(())
    } else {
        Err(format!("{state}, said: {message}\nprinted: {printed}"))
    }
}

/// Linux broadcasts, so there may be more than the drill's own three.
fn strays(rig: &Rig) -> Outcome {
    let core = rig.start("strays")?;
    core.wait(&[State::Running])?;
    std::thread::sleep(Duration::from_millis(50));
    core.device
        .ask_to_stop()
        .map_err(|error| error.to_string())?;
    core.wait(&[State::Offline])?;
    let (strays, nmis) = core.counters()?;
    let printed = core.console();
    core.give_back()?;
    if strays >= 3 && nmis == 1 && printed == "before\nafter\n-- stopped as asked\n" {
        Ok(())
    } else {
        Err(format!("{strays} strays, {nmis} NMIs, printed: {printed}"))
    }
}

fn keep(rig: &Rig) -> Outcome {
    let core = rig.start("keep")?;
    let state = core.wait(&[State::Offline, State::Crashed])?;
    let (printed, crash) = (core.console(), core.crash()?);
    core.give_back()?;
    if state == State::Offline && printed == "all the same\n-- stopped as asked\n" {
        Ok(())
    } else {
        Err(format!("{state}: {crash}\nprinted: {printed}"))
    }
}

/// Interrupts off for good: no stop is heard, and the CPU comes back all the same.
fn wedge(rig: &Rig) -> Outcome {
    let core = rig.start("wedge")?;
    core.wait_for_text("before")?;
    core.device
        .ask_to_stop()
        .map_err(|error| error.to_string())?;
    std::thread::sleep(Duration::from_millis(200));
    let (state, crash) = (core.state()?, core.crash()?);
    core.give_back()?;
    if state == State::Running {
        Ok(())
    } else {
        Err(format!("it is {state}: {crash}"))
    }
}

/// A stop that comes while the image starts is not lost.
fn stop_at_once(rig: &Rig) -> Outcome {
    for round in 1..=STOPS {
        let core = rig.start("quiet")?;
        core.device
            .ask_to_stop()
            .map_err(|error| error.to_string())?;
        let state = core.wait(&[State::Offline, State::Crashed])?;
        let (printed, crash) = (core.console(), core.crash()?);
        core.give_back()?;
        if state == State::Crashed || !printed.ends_with("-- stopped as asked\n") {
            return Err(format!(
                "round {round}: {state}: {crash}\nprinted: {printed}"
            ));
        }
    }
    Ok(())
}

fn stop(rig: &Rig) -> Outcome {
    let core = rig.start("quiet")?;
    core.wait(&[State::Running])?;
    std::thread::sleep(Duration::from_millis(50));
    let state = core.state()?;
    core.device
        .ask_to_stop()
        .map_err(|error| error.to_string())?;
    core.wait(&[State::Offline])?;
    let printed = core.console();
    core.give_back()?;
    if state == State::Running && printed == "before\nafter\n-- stopped as asked\n" {
        Ok(())
    } else {
        Err(format!("was {state}, printed: {printed}"))
    }
}

/// Linux must not take the CPU while the image has it.
fn veto(rig: &Rig) -> Outcome {
    let core = rig.start("quiet")?;
    let plugged = fs::write(rig.online_file(), "1");
    let state = core.state()?;
    core.give_back()?;
    match plugged {
        Err(error)
            if error.kind() == std::io::ErrorKind::ResourceBusy && state == State::Running =>
        {
            Ok(())
        }
        other => Err(format!("{other:?}, core {state}")),
    }
}

/// The module must not go while an image runs over its memory.
fn unload(rig: &Rig) -> Outcome {
    let core = rig.start("quiet")?;
    let removed = Command::new("rmmod")
        .arg("offsched")
        .output()
        .map_err(|error| format!("rmmod: {error}"))?;
    let state = core.state()?;
    core.give_back()?;
    if !removed.status.success() && state == State::Running {
        Ok(())
    } else {
        Err(format!("{}, core {state}", removed.status))
    }
}
