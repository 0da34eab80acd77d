//! The kernel's device, `/dev/offsched`: a handle per binding, mapped, polled, and rung by calls.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use offsched_abi::channel::Wait;
use offsched_abi::node::{BIND_WAIT, Bind, CoreStatus, call};
use offsched_abi::region::name_bytes;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, Timespec};
use rustix::io::Errno;
use rustix::ioctl::{Getter, NoArg, Opcode, Updater, ioctl, opcode};

use crate::error::Error;
use crate::node::{BindError, Event, Grant, Line, Node, Pages, RegionFile, Target};

const ATTACH: Opcode = opcode::read_write::<u32>(call::TYPE, call::ATTACH);
const STATUS: Opcode = opcode::read::<CoreStatus>(call::TYPE, call::STATUS);
const BIND: Opcode = opcode::read_write::<Bind>(call::TYPE, call::BIND);
const RING: Opcode = opcode::none(call::TYPE, call::RING);
const CLOSE: Opcode = opcode::none(call::TYPE, call::CLOSE);

/// One core of the kernel's device.
pub(super) struct Kernel {
    path: PathBuf,
    cpu: u32,
}

impl Kernel {
    /// The core on that CPU, or the first that runs.
    pub(super) fn open(path: &Path, cpu: Option<u32>) -> Result<Self, Error> {
        let any = Self {
            path: path.to_owned(),
            cpu: cpu.unwrap_or(call::ANY_CPU),
        };
        let (_, cpu) = any.handle(OFlags::RDONLY)?;
        Ok(Self { cpu, ..any })
    }

    /// A new handle about the core, and the core's CPU.
    fn handle(&self, access: OFlags) -> Result<(OwnedFd, u32), Error> {
        let gone = |errno| Error::NoDevice {
            path: self.path.clone(),
            errno,
        };
        let flags = access | OFlags::CLOEXEC;
        let handle = rustix::fs::open(&self.path, flags, Mode::empty()).map_err(gone)?;
        let mut cpu = self.cpu;
        // SAFETY: the call reads and writes the u32 whose address it is given.
        unsafe { ioctl(&handle, Updater::<ATTACH, u32>::new(&mut cpu)) }.map_err(gone)?;
        Ok((handle, cpu))
    }

    /// A handle bound to a service, and what the device said.
    fn bound(&self, target: &Target, patience: Duration) -> Result<(OwnedFd, Bind), BindError> {
        let name = name_bytes(&target.service).ok_or(BindError::NoService)?;
        let (handle, _) = self.handle(OFlags::RDWR)?;
        let [rx_type, tx_type] = target.types.map(|stated| stated.id);
        let mut bind = Bind {
            rx_type,
            tx_type,
            ..Bind::new(name)
        };
        match bind_waiting(&handle, &mut bind, patience) {
            Ok(()) => Ok((handle, bind)),
            Err(Errno::PROTOTYPE) => Err(BindError::WrongType),
            Err(Errno::PERM) => Err(BindError::NotAllowed),
            Err(Errno::NOENT) => Err(BindError::NoService),
            Err(Errno::BUSY) => Err(BindError::AllTaken),
            Err(Errno::NODEV) => Err(BindError::CoreGone),
            Err(Errno::PROTO) => {
                let device = bind.abi_version;
                Err(Error::Version { device }.into())
            }
            Err(Errno::NOMEM) => Err(Error::NoResources.into()),
            Err(errno) => Err(Error::os("bind the service")(errno).into()),
        }
    }
}

impl Node for Kernel {
    fn hello(&self) -> Result<RegionFile, Error> {
        // Only a handle that cannot write may be mapped: so no mapping can become writable.
        let (file, _) = self.handle(OFlags::RDONLY)?;
        // SAFETY: the call writes the structure that it is given, and any bytes are one.
        let status = unsafe { ioctl(&file, Getter::<STATUS, CoreStatus>::new()) }
            .map_err(Error::os("ask the device for its state"))?;
        let bytes = usize::try_from(status.public_bytes)
            .map_err(|_| Error::Protocol("a region larger than memory"))?;
        Ok(RegionFile { file, bytes })
    }

    fn bind(&self, target: &Target, patience: Duration) -> Result<Grant, BindError> {
        let (handle, bind) = self.bound(target, patience)?;
        let epoch = u16::try_from(bind.channel_epoch);
        let bytes = usize::try_from(bind.bytes);
        let (Ok(channel_epoch), Ok(bytes)) = (epoch, bytes) else {
            return Err(Error::Protocol("an epoch or a size that is none").into());
        };
        Ok(Grant {
            service: bind.service as usize,
            channel: bind.channel as usize,
            channel_epoch,
            core_epoch: bind.core_epoch,
            line: Box::new(KernelLine {
                handle,
                offset: bind.offset,
                bytes,
            }),
        })
    }

    fn bind_fd(&self, target: &Target) -> Result<OwnedFd, BindError> {
        let bound = self.bound(target, Duration::ZERO);
        bound.map(|(handle, _)| handle)
    }
}

/// Binds a handle, waiting so long for a channel; signals do not shorten that.
fn bind_waiting(handle: &OwnedFd, bind: &mut Bind, patience: Duration) -> Result<(), Errno> {
    let begin = Instant::now();
    loop {
        let left = patience.saturating_sub(begin.elapsed());
        // Rounded up: 0 would be for ever.
        let wait_ms = left.as_nanos().div_ceil(1_000_000);
        bind.wait_ms = u32::try_from(wait_ms).unwrap_or(u32::MAX);
        bind.flags = if bind.wait_ms > 0 { BIND_WAIT } else { 0 };
        // SAFETY: the call reads and writes the structure that it is given, and any bytes are one.
        match unsafe { ioctl(handle, Updater::<BIND, Bind>::new(bind)) } {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// A bound handle is all in one.
struct KernelLine {
    handle: OwnedFd,
    offset: u64,
    bytes: usize,
}

impl KernelLine {
    fn plain<const CALL: Opcode>(&self) -> Result<(), Errno> {
        // SAFETY: these calls take no argument.
        unsafe { ioctl(&self.handle, NoArg::<CALL>::new()) }
    }

    fn poll(&self, flags: PollFlags, timeout: Option<&Timespec>) -> Result<PollFlags, Errno> {
        let mut fds = [PollFd::new(&self.handle, flags)];
        poll(&mut fds, timeout)?;
        Ok(fds[0].revents())
    }
}

impl Line for KernelLine {
    fn pages(&self) -> Pages<'_> {
        Pages {
            file: self.handle.as_fd(),
            offset: self.offset,
            bytes: self.bytes,
        }
    }

    #[cfg(feature = "tokio")]
    fn handle(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn wake_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    fn sleep(&self, wait: Wait, timeout: Option<&Timespec>) -> Result<Event, Errno> {
        let flags = match wait {
            Wait::Mail => PollFlags::IN,
            Wait::Room(_) => PollFlags::OUT,
            Wait::Either(_) => PollFlags::IN | PollFlags::OUT,
        };
        let found = self.poll(flags, timeout)?;
        Ok(if found.intersects(PollFlags::HUP | PollFlags::ERR) {
            Event::HungUp
        } else if found.is_empty() {
            Event::TimedOut
        } else {
            Event::Rung
        })
    }

    /// What is polled are the rings themselves.
    fn heard(&self) {}

    fn ring(&self) {
        // It fails only when there is nobody to ring: the next look at the core's state says so.
        let _ = self.plain::<RING>();
    }

    fn hung_up(&self) -> bool {
        let now = Timespec::default();
        self.poll(PollFlags::empty(), Some(&now))
            .is_ok_and(|found| !found.is_empty())
    }

    fn hang_up(&self) {
        // It fails only for a handle that is not bound.
        let _ = self.plain::<CLOSE>();
    }
}
