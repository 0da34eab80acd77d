//! The kernel's device: its CPUs, and which of them is meant.

use std::fs;
use std::path::Path;

use offsched_abi::header::State;
use offsched_abi::region::ServiceEntry;
use offsched_device::{Device, DeviceState, Shared};
use offsched_hosted::CpuList;
use rustix::time::{ClockId, clock_gettime};

use super::why;
use crate::output::Failure;

const POSSIBLE: &str = "/sys/devices/system/cpu/possible";

/// Every CPU that the machine can have.
pub fn possible_cpus() -> Result<CpuList, Failure> {
    let text = fs::read_to_string(POSSIBLE)
        .map_err(|error| Failure::to(&format!("read {POSSIBLE}"), error))?;
    CpuList::parse(&text)
        .ok_or_else(|| Failure::Message(format!("{POSSIBLE} makes no sense: {text}")))
}

/// A handle for a CPU, with what the module says of it.
pub fn open(path: &Path, cpu: u32) -> Result<(Device, DeviceState), Failure> {
    let device = Device::open(path, cpu).map_err(|error| why::open(path, cpu, &error))?;
    let state = device
        .status()
        .map_err(|error| Failure::to("ask the module", error))?
        .state;
    let unknown = || {
        Failure::Message(
            "the kernel module is newer than this command: install both from one version".into(),
        )
    };
    Ok((device, state.ok_or_else(unknown)?))
}

/// The CPU that is meant: the one named, or the only one in a state that fits.
pub fn choose(
    path: &Path,
    named: Option<u32>,
    fits: fn(DeviceState) -> bool,
    what: &str,
) -> Result<u32, Failure> {
    if let Some(cpu) = named {
        return Ok(cpu);
    }
    let mut found = Vec::new();
    for cpu in possible_cpus()?.as_slice() {
        let cpu = *cpu as u32;
        if fits(open(path, cpu)?.1) {
            found.push(cpu);
        }
    }
    match found.as_slice() {
        [] => Err(Failure::Message(format!("no CPU {what}"))),
        [one] => Ok(*one),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Failure::Message(format!(
                "several CPUs {what}: say --cpu with one of {}",
                names.join(", ")
            )))
        }
    }
}

/// What the image says that it does; `None` before its first word.
pub fn core_state(shared: &Shared) -> Option<State> {
    shared
        .region()
        .ok()
        .map(|region| region.header().state.get())
}

/// The image's last words, if it crashed, in one line.
pub fn last_words(shared: &Shared) -> String {
    match shared.region() {
        Ok(region) => region.header().crash.read().as_str().replace('\n', " "),
        Err(error) => error.to_string(),
    }
}

/// What the image lets applications bind, in one line.
pub fn service_names(shared: &Shared) -> String {
    let names = shared.region().map(|region| {
        let names: Vec<_> = region.services().iter().map(ServiceEntry::name).collect();
        names.join(", ")
    });
    match names {
        Ok(names) if names.is_empty() => "none".to_owned(),
        Ok(names) => names,
        Err(error) => error.to_string(),
    }
}

/// CLOCK_MONOTONIC, ns.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
