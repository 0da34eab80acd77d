//! What ends a boot: reboot, panic, lockdown. Each is a boot's only case.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use offsched_abi::header::State;
use offsched_abi::image::SHARED_ADDRESS;
use offsched_device::ImageFile;

use crate::Outcome;
use crate::rig::{MODULE, NODE, Rig};

/// Until a reboot or a panic that was asked for has happened.
const AT_ONCE: Duration = Duration::from_secs(60);
const LOCKDOWN: &str = "/sys/kernel/security/lockdown";

/// The harness sees the next boot, or not; or a machine that has halted, and looks at its core. For the module both are one.
pub fn reboot(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    core.check_alive()?;
    let how = rig.ask("reboot")?;
    if how == "halt" {
        println!("halts, watch {}", rig.cpu);
    }
    Command::new(&how)
        .arg("-f")
        .status()
        .map_err(|error| format!("{how}: {error}"))?;
    std::thread::sleep(AT_ONCE);
    Err("still here".to_owned())
}

/// The harness looks at the core's heartbeat afterwards, from outside.
pub fn panic(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    core.check_alive()?;
    let (offset, _) = core.heartbeat()?;
    println!(
        "panics, watch {} {}",
        rig.cpu,
        SHARED_ADDRESS as u64 + offset
    );
    fs::write("/proc/sysrq-trigger", "c").map_err(|error| format!("sysrq: {error}"))?;
    std::thread::sleep(AT_ONCE);
    Err("no panic".to_owned())
}

/// The kernel was locked down from the start, so `init` could not load the module.
pub fn locked_module(rig: &Rig) -> Outcome {
    let state = lockdown()?;
    if !state.contains("[integrity]") {
        return Err(format!("no lockdown: {state}"));
    }
    let again = Command::new("insmod")
        .arg(rig.file(MODULE))
        .output()
        .map_err(|error| format!("insmod: {error}"))?;
    if again.status.success() || Path::new(NODE).exists() {
        Err(format!("the module is in: {}", again.status))
    } else {
        Ok(())
    }
}

/// The module is in already, and a core runs: root too can load and start nothing any more, but end what runs.
pub fn locked_image(rig: &Rig) -> Outcome {
    rig.start("quiet")?.give_back()?;
    let loaded = rig.device()?;
    let file = rig.image("quiet")?;
    let image = ImageFile::parse(&file).map_err(|error| error.to_string())?;
    let core = rig.start("steady")?;
    fs::write(LOCKDOWN, "integrity").map_err(|error| format!("{LOCKDOWN}: {error}"))?;
    let refused = |what, outcome: std::io::Result<()>| match outcome {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => Err(format!("{what}: {other:?}")),
    };
    refused("load", loaded.load(rig.cpu, &image))?;
    refused("start", loaded.start())?;
    core.check_alive()?;
    core.device
        .ask_to_stop()
        .map_err(|error| format!("stop: {error}"))?;
    core.wait(&[State::Offline])?;
    core.give_back()?;
    refused("start of what has run", loaded.start())
}

fn lockdown() -> Result<String, String> {
    fs::read_to_string(LOCKDOWN).map_err(|error| format!("{LOCKDOWN}: {error}"))
}
