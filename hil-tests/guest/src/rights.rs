//! Who may do what: a user who is nobody gets neither the node nor, with the
//! node, what is privileged.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use libc::{EACCES, EPERM};
use offsched_abi::node::call;

use crate::Outcome;
use crate::case::Case;
use crate::rig::{NODE, Rig};
use crate::wild::{Answer, Arena, Place, ioctl};

/// The user and the group that own nothing.
const NOBODY: u32 = 65_534;
/// The first letter of the node's commands.
pub const KIND: u32 = call::TYPE as u32;
/// Commands that want CAP_SYS_MODULE (offsched.h).
pub const LOAD: u32 = 1 << 30 | 40 << 16 | KIND << 8 | 1;
const PRIVILEGED: [(&str, u32); 5] = [
    ("LOAD", LOAD),
    ("START", KIND << 8 | 2),
    ("STOP", KIND << 8 | 3),
    ("RETURN", KIND << 8 | 4),
    ("LIMIT", 1 << 30 | 40 << 16 | KIND << 8 | 9),
];
const ATTACH: u32 = 3 << 30 | 4 << 16 | KIND << 8 | call::ATTACH as u32;

pub fn cases() -> Vec<Case> {
    vec![Case::new("nobody's calls are refused", nobody)]
}

/// With the node open to all.
pub fn with_open_node<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let mode = |bits| {
        fs::set_permissions(NODE, Permissions::from_mode(bits))
            .map_err(|error| format!("{NODE}: {error}"))
    };
    let before = fs::metadata(NODE)
        .map_err(|error| format!("{NODE}: {error}"))?
        .permissions();
    mode(0o666)?;
    let result = call();
    mode(before.mode())?;
    result
}

/// Runs a scenario of this program as nobody, with the node open to all.
pub fn as_nobody(rig: &Rig, scenario: &str) -> Outcome {
    let run = || {
        let mut program = Command::new("/proc/self/exe");
        program
            .arg(&rig.folder)
            .arg(scenario)
            .arg(format!("--cpu={}", rig.cpu))
            .arg(format!("--calls={}", rig.calls))
            .arg(format!("--seed={}", rig.seed))
            .uid(NOBODY)
            .gid(NOBODY);
        program
            .output()
            .map_err(|error| format!("{scenario}: {error}"))
    };
    let output = with_open_node(run)?;
    if output.status.success() {
        Ok(())
    } else {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("{scenario}: {}: {why}", output.status))
    }
}

/// Beside a core that runs, and must run on.
fn nobody(rig: &Rig) -> Outcome {
    let mode = fs::metadata(NODE)
        .map_err(|error| format!("{NODE}: {error}"))?
        .permissions()
        .mode();
    if mode & 0o007 != 0 {
        return Err(format!("{NODE} is open to everybody: {mode:o}"));
    }
    let core = rig.start("steady")?;
    as_nobody(rig, "nobody")?;
    core.check_alive()?;
    core.give_back()
}

/// As nobody: every command there could be, with an argument and without.
pub fn sweep(rig: &Rig) -> Outcome {
    let file = open(Path::new(NODE))?;
    let mut arena = Arena::new();
    arena.put(0, u64::from(rig.cpu));
    ioctl(&file, ATTACH, Place::Arena(&arena, 0)).map_err(|errno| format!("ATTACH: {errno}"))?;
    for (name, command) in PRIVILEGED {
        for place in [Place::Wild(0), Place::Arena(&arena, 0)] {
            let got = ioctl(&file, command, place);
            if got != Err(EPERM) {
                return Err(format!("{name}: {got:?}, not EPERM"));
            }
        }
    }
    for number in 0..=0xff {
        for direction in 0..4 {
            for size in [0, 4, 8, 40, 64, 0x3fff] {
                let command = direction << 30 | size << 16 | KIND << 8 | number;
                // Whatever they answer, the core must be there afterwards.
                let _: Answer = ioctl(&file, command, Place::Wild(0));
                let _: Answer = ioctl(&file, command, Place::Arena(&arena, 0));
            }
        }
    }
    match File::open("/dev/kmsg").map_err(|error| error.raw_os_error()) {
        Err(Some(EPERM | EACCES)) => Ok(()),
        other => Err(format!("this is not nobody: /dev/kmsg: {other:?}")),
    }
}

/// For reading and writing, if that is allowed.
fn open(path: &Path) -> Result<File, String> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| format!("{}: {error}", path.display()))
}
