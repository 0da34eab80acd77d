//! What must not happen to a core behind its back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::process::Command;

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::rig::Rig;

const TRIES: u32 = 20;
/// How programs save and restore a whole Linux.
const SNAPSHOT: &str = "/dev/snapshot";

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("hot-plug is refused", veto),
        Case::new("hot-plug of the others", others).with_cpus(3),
        Case::new("suspend is refused", suspend),
        Case::new(
            "hibernation is refused, and the resume from it",
            hibernation,
        )
        .with_file(SNAPSHOT),
        Case::new("the module stays", unload),
    ]
}

/// Linux must not take the CPU while the image has it, however often it tries.
fn veto(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    for round in 1..=TRIES {
        match fs::write(rig.online_file(), "1") {
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {}
            other => return Err(format!("round {round}, on: {other:?}")),
        }
        // Off it is already, for Linux.
        if let Err(error) = fs::write(rig.online_file(), "0") {
            return Err(format!("round {round}, off: {error}"));
        }
    }
    core.check_alive()?;
    core.give_back()
}

/// The other processors come and go, and the core does not notice.
fn others(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    for cpu in (1..rig.cpus).filter(|cpu| *cpu != rig.cpu) {
        let file = rig.on(cpu).online_file();
        for to in ["0", "1", "0", "1"] {
            fs::write(&file, to).map_err(|error| format!("{file} = {to}: {error}"))?;
            core.check_alive()?;
        }
    }
    core.give_back()
}

/// Whatever kinds of sleep this kernel knows.
fn suspend(rig: &Rig) -> Outcome {
    const FILE: &str = "/sys/power/state";
    let kinds = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    let core = rig.start("steady")?;
    for kind in kinds.split_whitespace() {
        match fs::write(FILE, kind) {
            Err(error) if error.kind() == ErrorKind::ResourceBusy => core.check_alive()?,
            other => return Err(format!("{kind}: {other:?}")),
        }
    }
    core.give_back()?;
    if kinds.trim().is_empty() {
        Err("this kernel cannot sleep at all".to_owned())
    } else {
        Ok(())
    }
}

/// To read the device is to hibernate, to write it is to resume: either has to ask first, and keeps cores from starting
/// until it is closed.
fn hibernation(rig: &Rig) -> Outcome {
    let open = |write: bool| -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(!write).write(write).open(SNAPSHOT)
    };
    for write in [false, true] {
        let core = rig.start("steady")?;
        match open(write) {
            Err(error) if error.kind() == ErrorKind::ResourceBusy => core.check_alive()?,
            other => return Err(format!("beside a core, write {write}: {other:?}")),
        }
        core.give_back()?;
        let opened = open(write).map_err(|error| format!("{SNAPSHOT}: {error}"))?;
        match rig.start("steady") {
            Err(why) if why.contains("busy") => {}
            Err(why) => return Err(format!("write {write}: {why}")),
            Ok(core) => {
                core.give_back()?;
                return Err(format!("write {write}: a core started beside it"));
            }
        }
        drop(opened);
        rig.start("steady")?.give_back()?;
    }
    Ok(())
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
