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

/// The CPU that is meant: the one named, or what [`choose`] says of those with an image.
pub fn find(
    path: &Path,
    named: Option<u32>,
    wanted: fn(DeviceState) -> bool,
    what: &str,
) -> Result<u32, Failure> {
    if let Some(cpu) = named {
        return Ok(cpu);
    }
    let mut cores = Vec::new();
    for cpu in possible_cpus()?.as_slice() {
        let cpu = *cpu as u32;
        let state = open(path, cpu)?.1;
        if state != DeviceState::Empty {
            cores.push((cpu, wanted(state)));
        }
    }
    choose(&cores, what)
}

/// Of CPUs that have or had an image, and whether each is wanted, the one that is meant where none is named: the only one
/// that is wanted; if none is, the only one there is.
pub fn choose(cores: &[(u32, bool)], what: &str) -> Result<u32, Failure> {
    let wanted: Vec<u32> = cores
        .iter()
        .filter(|(_, wanted)| *wanted)
        .map(|(cpu, _)| *cpu)
        .collect();
    let (which, has) = if wanted.is_empty() {
        (cores.iter().map(|(cpu, _)| *cpu).collect(), "had an image")
    } else {
        (wanted, what)
    };
    match which.as_slice() {
        [] => Err(Failure::Message(
            "no CPU has run an image since the module was loaded: `offsched start --cpu N --image FILE` starts one".into(),
        )),
        [one] => Ok(*one),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Failure::Message(format!(
                "several CPUs {has}: say --cpu with one of {}",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cores: &[(u32, bool)]) -> String {
        match choose(cores, "crashed") {
            Ok(cpu) => format!("CPU {cpu}"),
            Err(Failure::Message(text)) => text,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_only_one_wanted_is_meant_else_the_only_one_there_is() {
        assert_eq!(told(&[(1, false), (3, true)]), "CPU 3");
        assert_eq!(told(&[(2, false)]), "CPU 2");
        assert!(told(&[]).starts_with("no CPU has run an image"));
    }

    #[test]
    fn nobody_guesses_among_several() {
        assert_eq!(
            told(&[(1, true), (2, false), (3, true)]),
            "several CPUs crashed: say --cpu with one of 1, 3"
        );
        assert_eq!(
            told(&[(1, false), (2, false)]),
            "several CPUs had an image: say --cpu with one of 1, 2"
        );
    }
}
