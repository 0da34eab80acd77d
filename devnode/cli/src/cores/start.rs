//! `offsched start`: takes a CPU out of Linux and runs an image on it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use offsched_abi::header::State;
use offsched_device::{DeviceState, ImageFile};

use super::kernel::{core_state, last_words, open, service_names};
use super::{group, why};
use crate::args::{Allow, StartOptions};
use crate::output::{Failure, print};

/// Longest wait for the app's init: longer than any that is not stuck.
const INIT_PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(1);

/// Starts an image, and waits until its tasks run.
///
/// # Errors
/// [`Failure`]: which step failed, and what to do.
pub fn run(options: &StartOptions) -> Result<(), Failure> {
    let file = &options.image;
    let name = file.display();
    let bytes = fs::read(file).map_err(|error| Failure::to(&format!("read {name}"), error))?;
    let image = ImageFile::parse(&bytes).map_err(|error| why::image(file, &error))?;
    let cpu = options.cpu;
    let (device, state) = open(&options.device.device, cpu)?;
    if state == DeviceState::Offloaded {
        return Err(why::busy(cpu));
    }
    may_leave(cpu)?;
    let limits = limits(&options.allow)?;
    device
        .load(cpu, &image)
        .map_err(|error| why::load(cpu, &error))?;
    for (service, gid) in &limits {
        device
            .limit(service, *gid)
            .map_err(|error| why::control(&format!("limit service `{service}`"), &error))?;
    }
    let shared = device
        .shared()
        .map_err(|error| Failure::to("map the core's memory", error))?;
    device
        .start()
        .map_err(|error| why::start(cpu, &error, &service_names(&shared)))?;
    let begin = Instant::now();
    let mut state = core_state(&shared);
    while matches!(state, None | Some(State::Starting)) && begin.elapsed() < INIT_PATIENCE {
        std::thread::sleep(LOOK);
        state = core_state(&shared);
    }
    let to_end = format!("`offsched stop --cpu {cpu}` gives the CPU back");
    match state {
        Some(State::Running) => print(&format!("CPU {cpu} runs {name}\n")),
        Some(State::Stopping | State::Offline) => print(&format!(
            "CPU {cpu} ran {name}, which has ended; {to_end}\n"
        )),
        Some(State::Crashed) => {
            let words = last_words(&shared);
            Err(Failure::Message(format!(
                "{name} crashed at its start: {words}; {to_end}"
            )))
        }
        Some(State::Starting) | None => Err(Failure::Message(format!(
            "{name} is still in its init after {} s; {to_end}",
            INIT_PATIENCE.as_secs()
        ))),
    }
}

/// Services, and the numbers of the groups that may bind them.
fn limits(allow: &[Allow]) -> Result<Vec<(&str, u32)>, Failure> {
    let one = |allow: &Allow| group::number(&allow.group).map_err(Failure::Message);
    allow
        .iter()
        .map(|allow| Ok((allow.service.as_str(), one(allow)?)))
        .collect()
}

/// That Linux has a switch for the CPU: it has none for the one it booted on.
fn may_leave(cpu: u32) -> Result<(), Failure> {
    let switch = format!("/sys/devices/system/cpu/cpu{cpu}/online");
    if Path::new(&switch).exists() {
        return Ok(());
    }
    Err(Failure::Message(format!(
        "CPU {cpu} cannot be taken out of Linux, which booted on it or was built without CPU hot-plug: choose another"
    )))
}
