//! A core of the kernel's device with what its image published, and the image's file.

use std::path::Path;

use offsched_device::{Device, DeviceState, Shared};

use super::kernel::{open, possible_cpus};
use crate::output::Failure;

/// A core that has, or had, an image.
pub struct Found {
    /// Its CPU.
    pub cpu: u32,
    /// Linux has the CPU again.
    pub returned: bool,
    /// What the image published.
    pub shared: Shared,
    device: Device,
}

impl Found {
    /// The core on that CPU; without a number the first one that `wanted` wants, else the first one.
    ///
    /// # Errors
    /// [`Failure`]: no device, no such CPU, no image there.
    pub fn find(
        path: &Path,
        cpu: Option<u32>,
        wanted: impl Fn(&Self) -> bool,
    ) -> Result<Self, Failure> {
        if let Some(cpu) = cpu {
            return Self::of(path, cpu)?.ok_or_else(|| {
                Failure::Message(format!(
                    "nothing has run on CPU {cpu}: offload it first (`offsched start --cpu {cpu} --image IMAGE`)"
                ))
            });
        }
        let mut first = None;
        for cpu in possible_cpus()?.as_slice() {
            if let Some(core) = Self::of(path, *cpu as u32)? {
                if wanted(&core) {
                    return Ok(core);
                }
                first.get_or_insert(core);
            }
        }
        first.ok_or_else(|| {
            Failure::Message(
                "no CPU runs an image: offload one first (`offsched start --cpu N --image IMAGE`)"
                    .to_owned(),
            )
        })
    }

    /// True while the image has the CPU: it may be taken from one that says that it runs.
    ///
    /// # Errors
    /// [`Failure`]: the module's.
    pub fn has_cpu(&self) -> Result<bool, Failure> {
        let status = self.device.status();
        let status = status.map_err(|error| Failure::to("ask the module", error))?;
        Ok(status.state == Some(DeviceState::Offloaded))
    }

    fn of(path: &Path, cpu: u32) -> Result<Option<Self>, Failure> {
        let (device, state) = open(path, cpu)?;
        let returned = match state {
            DeviceState::Offloaded => false,
            DeviceState::Returned => true,
            DeviceState::Empty | DeviceState::Loaded => return Ok(None),
        };
        let shared = device.shared();
        let shared = shared.map_err(|error| Failure::to("map the core's memory", error))?;
        Ok(Some(Self {
            cpu,
            returned,
            shared,
            device,
        }))
    }
}

/// An image's ELF file.
///
/// # Errors
/// [`Failure`] if it cannot be read.
pub fn read_image(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = std::fs::read(path);
    read.map_err(|error| Failure::to(&format!("read {}", path.display()), error))
}
