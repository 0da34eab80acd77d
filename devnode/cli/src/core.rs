//! A core of the kernel's device, and the image that it runs.

use std::path::Path;

use offsched_device::{Device, DeviceState, Shared};

use crate::output::Failure;

const NODE: &str = "/dev/offsched";

/// A core that has, or had, an image.
pub struct BareCore {
    /// Its CPU.
    pub cpu: u32,
    /// Linux has the CPU again.
    pub returned: bool,
    /// What the image published.
    pub shared: Shared,
}

impl BareCore {
    /// The core on that CPU; without a number the first one that `wanted` wants, else the first one.
    ///
    /// # Errors
    /// [`Failure`]: no device, no such CPU, no image there.
    pub fn find(cpu: Option<u32>, wanted: impl Fn(&Self) -> bool) -> Result<Self, Failure> {
        if let Some(cpu) = cpu {
            let device = open(cpu)?;
            return Self::of(&device, cpu)?.ok_or_else(|| {
                Failure::Message(format!(
                    "nothing has run on CPU {cpu}: offload it first (`offsched start --cpu {cpu} --image IMAGE`)"
                ))
            });
        }
        let mut first = None;
        for cpu in 0..possible_cpus() {
            if let Some(core) = Self::of(&open(cpu)?, cpu)? {
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

    fn of(device: &Device, cpu: u32) -> Result<Option<Self>, Failure> {
        let status = device.status();
        let status = status.map_err(|error| Failure::to("ask the device", error))?;
        let returned = match status.state {
            Some(DeviceState::Offloaded) => false,
            Some(DeviceState::Returned) => true,
            Some(DeviceState::Empty | DeviceState::Loaded) | None => return Ok(None),
        };
        let shared = device.shared();
        let shared = shared.map_err(|error| Failure::to("map the core's memory", error))?;
        Ok(Some(Self {
            cpu,
            returned,
            shared,
        }))
    }
}

fn open(cpu: u32) -> Result<Device, Failure> {
    Device::open(Path::new(NODE), cpu).map_err(|error| {
        Failure::Message(match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("no {NODE}: load the kernel module (`modprobe offsched`)")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("{NODE} is not for this user: run as root, or join the node's group")
            }
            std::io::ErrorKind::InvalidInput => format!("there is no CPU {cpu}"),
            _ => format!("cannot open {NODE} for CPU {cpu}: {error}"),
        })
    })
}

/// CPUs are numbered from 0 to below this.
fn possible_cpus() -> u32 {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    let last = text.trim().rsplit(['-', ',']).next();
    last.and_then(|last| last.parse::<u32>().ok())
        .map_or(1, |last| last.saturating_add(1))
}

/// An image's ELF file.
///
/// # Errors
/// [`Failure`] if it cannot be read.
pub fn read_image(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = std::fs::read(path);
    read.map_err(|error| Failure::to(&format!("read {}", path.display()), error))
}
