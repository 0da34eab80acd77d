//! A core with what its image published, and the image's file.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use offsched_abi::header::State;
use offsched_abi::region::{Region, RegionError};
use offsched_client::Telemetry;
use offsched_device::{Device, DeviceState, Shared};

use super::facts::CoreFacts;
pub use super::kernel::now;
use super::kernel::{choose, open, possible_cpus};
use crate::output::Failure;

/// A core that has, or had, an image.
pub struct Found {
    /// Its CPU, or its socket.
    pub place: String,
    /// Its CPU, where the device knows it.
    pub cpu: Option<u32>,
    source: Source,
}

/// Where its memory comes from.
enum Source {
    Kernel { device: Device, shared: Shared },
    Hosted { path: PathBuf, telemetry: Telemetry },
}

impl Found {
    /// The core at a socket, or that CPU's core of the kernel's device; without a number the only one
    /// that `wanted` wants, which is "several CPUs `what`" if there are more; if it wants none, the only one.
    ///
    /// # Errors
    /// [`Failure`]: no device, no such CPU, no image there; several to choose from.
    pub fn find(
        path: &Path,
        cpu: Option<u32>,
        wanted: impl Fn(&Self) -> bool,
        what: &str,
    ) -> Result<Self, Failure> {
        if is_socket(path) {
            return Self::hosted(path, cpu);
        }
        if let Some(cpu) = cpu {
            return Self::kernel(path, cpu)?.ok_or_else(|| {
                Failure::Message(format!(
                    "CPU {cpu} has not run an image since the module was loaded: \
                     `offsched start --cpu {cpu} --image FILE` starts one"
                ))
            });
        }
        let mut cores = Vec::new();
        for cpu in possible_cpus()?.as_slice() {
            let cpu = *cpu as u32;
            cores.extend(Self::kernel(path, cpu)?.map(|core| (cpu, core)));
        }
        let flags: Vec<_> = cores
            .iter()
            .map(|(cpu, core)| (*cpu, wanted(core)))
            .collect();
        let chosen = choose(&flags, what)?;
        cores.retain(|(cpu, _)| *cpu == chosen);
        let core = cores.pop().map(|(_, core)| core);
        core.ok_or_else(|| Failure::Message(format!("CPU {chosen} has no image")))
    }

    fn kernel(path: &Path, cpu: u32) -> Result<Option<Self>, Failure> {
        let (device, state) = open(path, cpu)?;
        if !matches!(state, DeviceState::Offloaded | DeviceState::Returned) {
            return Ok(None);
        }
        let shared = device.shared();
        let shared = shared.map_err(|error| Failure::to("map the core's memory", error))?;
        Ok(Some(Self {
            place: format!("CPU {cpu}"),
            cpu: Some(cpu),
            source: Source::Kernel { device, shared },
        }))
    }

    /// The hosted core at a socket.
    ///
    /// # Errors
    /// [`Failure`]: nobody serves it; a CPU was named.
    pub fn hosted(path: &Path, cpu: Option<u32>) -> Result<Self, Failure> {
        let place = path.display().to_string();
        if cpu.is_some() {
            return Err(Failure::Message(format!(
                "{place} is one hosted core: leave --cpu out"
            )));
        }
        let device = offsched_client::Device::open(path)
            .map_err(|error| Failure::Message(error.to_string()))?;
        Ok(Self {
            place,
            cpu: None,
            source: Source::Hosted {
                path: path.to_owned(),
                telemetry: device.telemetry(),
            },
        })
    }

    /// What it published.
    ///
    /// # Errors
    /// [`RegionError`] if its image never came to publish anything.
    pub fn region(&self) -> Result<Region<'_>, RegionError> {
        match &self.source {
            Source::Kernel { shared, .. } => shared.region(),
            Source::Hosted { telemetry, .. } => Ok(telemetry.region()),
        }
    }

    /// What it published, or why there is nothing.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn published(&self) -> Result<Region<'_>, Failure> {
        self.region().map_err(|error| {
            Failure::Message(format!(
                "the image on {} has published nothing: {error}; `offsched stop` gives the CPU back",
                self.place
            ))
        })
    }

    /// Linux has its CPU again; `None` for a hosted core, which has no CPU to itself.
    ///
    /// # Errors
    /// [`Failure`]: the module does not answer.
    pub fn returned(&self) -> Result<Option<bool>, Failure> {
        match &self.source {
            Source::Kernel { device, .. } => {
                let status = device.status();
                let status = status.map_err(|error| Failure::to("ask the module", error))?;
                Ok(Some(status.state != Some(DeviceState::Offloaded)))
            }
            Source::Hosted { .. } => Ok(None),
        }
    }

    /// True while it may still do something: its image has not ended, and nobody has taken its CPU, nor
    /// ended the program that it is part of.
    ///
    /// # Errors
    /// [`Failure`]: the module does not answer.
    pub fn is_live(&self) -> Result<bool, Failure> {
        let state = self.region().map(|region| region.header().state.get());
        if matches!(state, Ok(State::Offline | State::Crashed)) {
            return Ok(false);
        }
        Ok(match &self.source {
            Source::Kernel { .. } => self.returned()? == Some(false),
            Source::Hosted { path, .. } => offsched_client::Device::open(path).is_ok(),
        })
    }

    /// Its figures.
    ///
    /// # Errors
    /// [`Failure`]: nothing was published; the module does not answer.
    pub fn facts(&self) -> Result<CoreFacts, Failure> {
        let (region, returned) = (self.published()?, self.returned()?);
        let place = self.place.clone();
        Ok(CoreFacts::read(place, self.cpu, returned, &region, now()))
    }
}

/// True if a hosted core may be at that path.
pub fn is_socket(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// An image's ELF file.
///
/// # Errors
/// [`Failure`] if it cannot be read.
pub fn read_image(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = fs::read(path);
    read.map_err(|error| Failure::to(&format!("read {}", path.display()), error))
}
