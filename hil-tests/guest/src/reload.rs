//! The module goes and comes back. The last case: before it the module has seen everything else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::case::Case;
use crate::clients::printed_by;
use crate::rig::{MODULE, NODE, Rig};

/// What there is of it.
const CLASS: &str = "/sys/class/offsched";
const STEPS: &str = "/sys/devices/system/cpu/hotplug/states";
const STEP: &str = "offsched:veto";

pub fn cases() -> Vec<Case> {
    vec![Case::new("the module goes and comes back", reload).with_part(MODULE)]
}

fn reload(rig: &Rig) -> Outcome {
    rig.start("quiet")?.give_back()?;
    let core = rig.device()?.status().map_err(|error| error.to_string())?;
    traces(&[true; 4])?;
    printed_by(Command::new("rmmod").arg("offsched"))?;
    traces(&[false; 4])?;
    rig.plug("0")?;
    rig.plug("1")?;
    printed_by(Command::new("insmod").arg(rig.file(MODULE)))?;
    let device = rig.device()?;
    let fresh = device.status().map_err(|error| error.to_string())?;
    if core.epoch == 0 || fresh.epoch != 0 || fresh.shared_bytes != 0 {
        return Err(format!("before: {core:?}, and after: {fresh:?}"));
    }
    let core = rig.start("steady")?;
    core.check_alive()?;
    traces(&[true; 4])?;
    core.give_back()
}

/// Whether there are its node, its class, its step of hot-plug and itself.
fn traces(wanted: &[bool; 4]) -> Outcome {
    let read = |path| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let found = [
        Path::new(NODE).exists(),
        Path::new(CLASS).exists(),
        read(STEPS)?.contains(STEP),
        read("/proc/modules")?
            .lines()
            .any(|line| line.starts_with("offsched ")),
    ];
    if found == *wanted {
        Ok(())
    } else {
        Err(format!("node, class, veto, module: {found:?}"))
    }
}
