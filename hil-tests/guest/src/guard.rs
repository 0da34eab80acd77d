//! What must not happen to a core behind its back.

use std::fs;
use std::io::ErrorKind;
use std::process::Command;

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::rig::Rig;

const TRIES: u32 = 20;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("hot-plug is refused", veto),
        Case::new("hot-plug of the others", others).with_cpus(3),
        Case::new("suspend is refused", suspend),
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
