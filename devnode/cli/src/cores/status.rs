//! `offsched status`: what the cores do.

use std::path::Path;

use offsched_device::DeviceState;

use super::facts::CoreFacts;
use super::found::{Found, is_socket};
use super::kernel::{now, open, possible_cpus};
use super::{json, table};
use crate::args::StatusOptions;
use crate::output::{Failure, print};

/// Shows every core of a device that has, or had, an image.
///
/// # Errors
/// [`Failure`]: what failed.
pub fn run(options: &StatusOptions) -> Result<(), Failure> {
    let Some(cores) = found(options)? else {
        return Ok(());
    };
    let mut lines: Vec<_> = cores.iter().flat_map(table::lines).collect();
    if cores.iter().any(|core| !core.tasks.is_empty()) {
        lines.push(table::LEGEND.to_owned());
    }
    print(&format!("{}\n", lines.join("\n")))
}

/// Lists what every such core lets applications bind.
///
/// # Errors
/// [`Failure`]: what failed.
pub fn services(options: &StatusOptions) -> Result<(), Failure> {
    let Some(cores) = found(options)? else {
        return Ok(());
    };
    let lines: Vec<_> = cores.iter().flat_map(table::services).collect();
    print(&format!("{}\n", lines.join("\n")))
}

/// The cores that are meant, where a text is wanted and there are any; else it is said.
fn found(options: &StatusOptions) -> Result<Option<Vec<CoreFacts>>, Failure> {
    let path = &options.device.device;
    let cores = match (is_socket(path), options.cpu) {
        (true, cpu) => vec![Found::hosted(path, cpu)?.facts()?],
        (false, Some(cpu)) => kernel_core(path, cpu)?.into_iter().collect(),
        (false, None) => kernel_cores(path)?,
    };
    if options.json {
        print(&format!("{:#}\n", json::object(&cores)))?;
        return Ok(None);
    }
    if cores.is_empty() {
        let none = match options.cpu {
            Some(cpu) => format!("CPU {cpu} has no image"),
            None => "no CPU has an image".to_owned(),
        };
        print(&format!(
            "{none}: `offsched start --cpu N --image FILE` starts one\n"
        ))?;
        return Ok(None);
    }
    Ok(Some(cores))
}

fn kernel_cores(path: &Path) -> Result<Vec<CoreFacts>, Failure> {
    let mut cores = Vec::new();
    for cpu in possible_cpus()?.as_slice() {
        cores.extend(kernel_core(path, *cpu as u32)?);
    }
    Ok(cores)
}

/// A CPU's core; `None` if there never was one.
fn kernel_core(path: &Path, cpu: u32) -> Result<Option<CoreFacts>, Failure> {
    let (device, state) = open(path, cpu)?;
    if state == DeviceState::Empty {
        return Ok(None);
    }
    let place = format!("CPU {cpu}");
    let returned = state != DeviceState::Offloaded;
    let shared = device
        .shared()
        .map_err(|error| Failure::to("map the core's memory", error))?;
    Ok(Some(match shared.region() {
        Ok(region) => CoreFacts::read(place, Some(cpu), Some(returned), &region, now()),
        Err(_) => {
            let epoch = device
                .status()
                .map_err(|error| Failure::to("ask the module", error))?
                .epoch;
            CoreFacts::silent(place, Some(cpu), returned, epoch)
        }
    }))
}
