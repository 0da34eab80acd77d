//! The node `/dev/offsched`.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

pub use offsched_abi::load::Stage as DeviceState;
use offsched_abi::load::{self, ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE, Limit, Load};
use offsched_abi::node::{CoreStatus, call};
use offsched_abi::region::name_bytes;

use crate::image::{Access, ImageFile};
use crate::shared::Shared;

const fn command(direction: libc::c_ulong, number: libc::c_ulong, bytes: usize) -> libc::c_ulong {
    direction << 30 | (bytes as libc::c_ulong) << 16 | (call::TYPE as libc::c_ulong) << 8 | number
}

const ATTACH: libc::c_ulong = command(3, call::ATTACH as _, size_of::<u32>());
const LOAD: libc::c_ulong = command(1, load::call::LOAD as _, size_of::<Load>());
const LIMIT: libc::c_ulong = command(1, load::call::LIMIT as _, size_of::<Limit>());
const START: libc::c_ulong = command(0, load::call::START as _, 0);
const STOP: libc::c_ulong = command(0, load::call::STOP as _, 0);
const RETURN: libc::c_ulong = command(0, load::call::RETURN as _, 0);
const STATUS: libc::c_ulong = command(2, call::STATUS as _, size_of::<CoreStatus>());

/// What the kernel module says of a core.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// The CPU.
    pub cpu: u32,
    /// What there is of a core; `None`: the module is newer than this program.
    pub state: Option<DeviceState>,
    /// Starts of cores on this CPU.
    pub epoch: u32,
    /// Bytes of shared memory.
    pub shared_bytes: u64,
    /// Bytes of it that everybody may see.
    pub public_bytes: u64,
}

/// A handle of the node, for one CPU.
#[derive(Debug)]
pub struct Device {
    file: File,
}

impl Device {
    /// Opens the node for a CPU.
    ///
    /// # Errors
    /// The node is not there or not for this user; `InvalidInput`: no such CPU.
    pub fn open(path: &Path, cpu: u32) -> io::Result<Self> {
        let device = Self {
            file: File::open(path)?,
        };
        let mut cpu = cpu;
        // SAFETY: ATTACH takes the address of a u32 to read and write.
        unsafe { device.ioctl(ATTACH, (&raw mut cpu).cast()) }?;
        Ok(device)
    }

    /// Loads an image for the CPU. Needs CAP_SYS_MODULE.
    ///
    /// # Errors
    /// `ResourceBusy` while an image runs there; no permission; no memory.
    pub fn load(&self, cpu: u32, image: &ImageFile<'_>) -> io::Result<()> {
        let segments: Vec<load::Segment> = image
            .segments
            .iter()
            .map(|segment| load::Segment {
                address: segment.address,
                bytes: segment.bytes,
                data: segment.data.as_ptr().addr() as u64,
                data_bytes: segment.data.len() as u64,
                access: match segment.access {
                    Access::Read => ACCESS_READ,
                    Access::Write => ACCESS_READ | ACCESS_WRITE,
                    Access::Execute => ACCESS_READ | ACCESS_EXEC,
                },
                reserved: 0,
            })
            .collect();
        let load = Load {
            entry: image.entry,
            segments: segments.as_ptr().addr() as u64,
            count: segments.len() as u32,
            cpu,
            shared_bytes: image.shared_bytes,
            public_bytes: image.public_bytes,
        };
        // SAFETY: LOAD reads the structure, the segments it points to, and their data; all live through the call.
        unsafe { self.ioctl(LOAD, (&raw const load).cast_mut().cast()) }
    }

    /// Lets a group's members bind a service of the loaded image, and nobody else (but who else was let, and those with
    /// CAP_SYS_ADMIN): between [`load`](Self::load) and [`start`](Self::start).
    ///
    /// # Errors
    /// `InvalidInput` for a name that no service can have, or if nothing waits to be started.
    pub fn limit(&self, service: &str, gid: u32) -> io::Result<()> {
        let limit = Limit {
            service: name_bytes(service).ok_or(io::ErrorKind::InvalidInput)?,
            gid,
            reserved: 0,
        };
        // SAFETY: LIMIT reads the structure.
        unsafe { self.ioctl(LIMIT, (&raw const limit).cast_mut().cast()) }
    }

    /// Takes the CPU from Linux and starts the image.
    ///
    /// # Errors
    /// The module's: ENOENT if a service was limited that the image does not have, EIO if the image gave no sign of life (the CPU is Linux's again).
    pub fn start(&self) -> io::Result<()> {
        self.plain(START)
    }

    /// Asks the image to end; whether it did shows in [`Shared`].
    ///
    /// # Errors
    /// `InvalidInput` if none runs.
    pub fn ask_to_stop(&self) -> io::Result<()> {
        self.plain(STOP)
    }

    /// Gives the CPU back to Linux, whatever the image does.
    ///
    /// # Errors
    /// `InvalidInput` if Linux has it already.
    pub fn give_back(&self) -> io::Result<()> {
        self.plain(RETURN)
    }

    /// What the module says.
    ///
    /// # Errors
    /// Those of the call.
    pub fn status(&self) -> io::Result<Status> {
        let mut raw = CoreStatus::default();
        // SAFETY: STATUS writes the structure and nothing else.
        unsafe { self.ioctl(STATUS, (&raw mut raw).cast()) }?;
        Ok(Status {
            cpu: raw.cpu,
            state: DeviceState::from_word(raw.state),
            epoch: raw.epoch,
            shared_bytes: raw.shared_bytes,
            public_bytes: raw.public_bytes,
        })
    }

    /// What the core publishes in its shared memory, as it is until the next load.
    ///
    /// # Errors
    /// Those of the calls; `InvalidInput` if nothing is loaded.
    pub fn shared(&self) -> io::Result<Shared> {
        Shared::map(&self.file, self.status()?.public_bytes as usize)
    }

    fn plain(&self, command: libc::c_ulong) -> io::Result<()> {
        // SAFETY: these commands take no argument.
        unsafe { self.ioctl(command, std::ptr::null_mut()) }
    }

    /// # Safety
    /// `argument` is what the command takes.
    unsafe fn ioctl(&self, command: libc::c_ulong, argument: *mut libc::c_void) -> io::Result<()> {
        // SAFETY: the descriptor is ours; the argument fits the command by the caller's word.
        match unsafe { libc::ioctl(self.file.as_raw_fd(), command, argument) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
