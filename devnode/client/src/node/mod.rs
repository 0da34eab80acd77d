//! Ways to a device, behind one [`Device`](crate::Device): the hosted socket and the kernel's
//! character device.

mod kernel;
mod socket;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use offsched_abi::channel::Wait;
use offsched_abi::message::MessageType;
use rustix::fs::{FileType, Timespec};
use rustix::io::Errno;

use crate::error::Error;

/// What the device gives for a binding.
pub(crate) struct Grant {
    pub(crate) service: usize,
    pub(crate) channel: usize,
    pub(crate) channel_epoch: u16,
    pub(crate) core_epoch: u32,
    pub(crate) line: Box<dyn Line>,
}

/// Where a channel's pages are to be mapped from.
pub(crate) struct Pages<'a> {
    pub(crate) file: BorrowedFd<'a>,
    pub(crate) offset: u64,
    pub(crate) bytes: usize,
}

/// The region, as a read-only file.
pub(crate) struct RegionFile {
    pub(crate) file: OwnedFd,
    pub(crate) bytes: usize,
}

/// What ended a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The core rang, or there is something to do.
    Rung,
    /// The time is up.
    TimedOut,
    /// The device is gone, or has closed the channel.
    HungUp,
}

/// A bound channel's way to the core, beside its memory. Dropping it frees the channel.
pub(crate) trait Line: Send + Sync {
    /// Where the channel's pages are.
    fn pages(&self) -> Pages<'_>;
    /// Readable when the core rang.
    fn wake_fd(&self) -> BorrowedFd<'_>;
    /// Readable when the device is gone, where [`wake_fd`](Self::wake_fd) does not tell of that, nor of room.
    #[cfg(feature = "tokio")]
    fn handle(&self) -> Option<BorrowedFd<'_>>;
    /// Sleeps until the core rings, or there is what the wait is for.
    fn sleep(&self, wait: Wait, timeout: Option<&Timespec>) -> Result<Event, Errno>;
    /// The ring was heard: from here on another one is news.
    fn heard(&self);
    /// Rings the core.
    fn ring(&self);
    /// True if the device is gone, or has closed the channel.
    fn hung_up(&self) -> bool;
    /// Ends the binding, and returns when the channel is free.
    fn hang_up(&self);
}

/// A way to a device.
pub(crate) trait Node: Send + Sync {
    /// The newest region.
    fn hello(&self) -> Result<RegionFile, Error>;
    /// A channel of the service, on a handle of its own. Where all are taken, a node that can wait
    /// waits for one so long.
    fn bind(&self, target: &Target, patience: Duration) -> Result<Grant, BindError>;
    /// A free channel of the service as a descriptor to read and write.
    fn bind_fd(&self, target: &Target) -> Result<OwnedFd, BindError>;
}

/// What is to be bound.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) service: String,
    /// Messages to the core, and from it, as this program means them; the default: not stated.
    pub(crate) types: [MessageType; 2],
}

/// Why a binding was refused; the caller knows the names.
pub(crate) enum BindError {
    NoService,
    AllTaken,
    CoreGone,
    WrongType,
    NotAllowed,
    Other(Error),
}

impl From<Error> for BindError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// The way to what is at the path: a character device is the kernel's, all else a socket. `cpu`:
/// which core of the kernel's device; `None`: one that runs.
pub(crate) fn open(path: &Path, cpu: Option<u32>) -> Result<Box<dyn Node>, Error> {
    let stat = rustix::fs::stat(path).map_err(|errno| Error::NoDevice {
        path: path.to_owned(),
        errno,
    })?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice {
        return Ok(Box::new(kernel::Kernel::open(path, cpu)?));
    }
    Ok(Box::new(socket::Socket::new(path)))
}
