//! The hosted device, behind a Unix socket that hands out memory and eventfds.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use offsched_abi::channel::Wait;
use offsched_abi::node::{NODE_MAGIC, OP_BIND, OP_HELLO, Reply, Request, Status};
use offsched_abi::region::{NAME_BYTES, name_bytes};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::Timespec;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, recvmsg, sendmsg,
    socket_with,
};
use zerocopy::{FromZeros, IntoBytes};

use crate::error::Error;
use crate::node::{BindError, Event, Grant, Line, Node, Pages, RegionFile, Target};

/// The hosted device.
pub(crate) struct Socket {
    path: PathBuf,
}

/// Longest wait for an answer, seconds: the server answers at once or is not well.
const ANSWER_SECONDS: i64 = 5;

impl Socket {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    fn connect(&self) -> Result<OwnedFd, Error> {
        let gone = |errno| Error::NoDevice {
            path: self.path.clone(),
            errno,
        };
        let address = SocketAddrUnix::new(&self.path).map_err(gone)?;
        let kind = SocketType::SEQPACKET;
        let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
            .map_err(Error::os("make a socket"))?;
        connect(&socket, &address).map_err(gone)?;
        Ok(socket)
    }
}

impl Node for Socket {
    fn hello(&self) -> Result<RegionFile, Error> {
        let socket = self.connect()?;
        let (reply, fds) = ask(&socket, &Request::new(OP_HELLO, [0; NAME_BYTES]))?;
        common(&reply)?;
        let [file] = fds;
        let file = file.ok_or(Error::Protocol("no region came with the answer"))?;
        let bytes = file_bytes(&file).map_err(Error::os("measure the device's region"))?;
        Ok(RegionFile { file, bytes })
    }

    /// The device does not wait: its one thread serves all.
    fn bind(&self, target: &Target, _patience: Duration) -> Result<Grant, BindError> {
        let name = name_bytes(&target.service).ok_or(BindError::NoService)?;
        let handle = self.connect()?;
        let [rx_type, tx_type] = target.types.map(|stated| stated.id);
        let request = Request {
            rx_type,
            tx_type,
            ..Request::new(OP_BIND, name)
        };
        let (reply, fds) = ask(&handle, &request)?;
        match Status::from_word(reply.status) {
            Status::NoService => return Err(BindError::NoService),
            Status::AllTaken => return Err(BindError::AllTaken),
            Status::CoreGone => return Err(BindError::CoreGone),
            Status::WrongType => return Err(BindError::WrongType),
            Status::NotAllowed => return Err(BindError::NotAllowed),
            _ => common(&reply)?,
        }
        let [Some(pages), Some(wake), Some(doorbell)] = fds else {
            return Err(Error::Protocol("descriptors are missing from the answer").into());
        };
        let bytes = file_bytes(&pages).map_err(Error::os("measure the channel"))?;
        Ok(Grant {
            service: reply.service as usize,
            channel: reply.channel as usize,
            channel_epoch: u16::try_from(reply.channel_epoch)
                .map_err(|_| Error::Protocol("an epoch that is none"))?,
            core_epoch: reply.core_epoch,
            line: Box::new(SocketLine {
                pages,
                bytes,
                wake,
                doorbell,
                handle,
                owner: std::process::id(),
            }),
        })
    }

    fn bind_fd(&self, _target: &Target) -> Result<OwnedFd, BindError> {
        let path = self.path.clone();
        Err(Error::NotTheKernels { path }.into())
    }
}

/// What every answer must be.
fn common(reply: &Reply) -> Result<(), Error> {
    match Status::from_word(reply.status) {
        Status::Ok => Ok(()),
        Status::WrongVersion => Err(Error::Version {
            device: reply.abi_version,
        }),
        Status::NoResources => Err(Error::NoResources),
        _ => Err(Error::Protocol("a request was refused as malformed")),
    }
}

/// Sends a request and waits for its answer and up to `N` descriptors.
fn ask<const N: usize>(
    socket: &OwnedFd,
    request: &Request,
) -> Result<(Reply, [Option<OwnedFd>; N]), Error> {
    let os = || Error::os("talk to the device");
    let bytes = [IoSlice::new(request.as_bytes())];
    let mut nothing = SendAncillaryBuffer::new(&mut []);
    sendmsg(socket, &bytes, &mut nothing, SendFlags::NOSIGNAL).map_err(os())?;
    wait_readable(socket.as_fd())?;
    let mut reply = Reply::new_zeroed();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [IoSliceMut::new(reply.as_mut_bytes())];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let received = recvmsg(socket, &mut bytes, &mut ancillary, flags).map_err(os())?;
    let mut fds = ancillary
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten();
    let fds = std::array::from_fn(|_| fds.next());
    if received.bytes != size_of::<Reply>() || reply.magic != NODE_MAGIC {
        return Err(Error::Protocol("an answer of the wrong size or kind"));
    }
    Ok((reply, fds))
}

fn wait_readable(socket: BorrowedFd<'_>) -> Result<(), Error> {
    let timeout = Timespec {
        tv_sec: ANSWER_SECONDS,
        tv_nsec: 0,
    };
    loop {
        match poll(
            &mut [PollFd::from_borrowed_fd(socket, PollFlags::IN)],
            Some(&timeout),
        ) {
            Ok(0) => return Err(Error::Protocol("no answer")),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => {
                return Err(Error::Os {
                    what: "wait for the device",
                    errno,
                });
            }
        }
    }
}

/// A binding's descriptors.
struct SocketLine {
    pages: OwnedFd,
    bytes: usize,
    /// Readable when the core rang.
    wake: OwnedFd,
    /// Write 1 to ring the core.
    doorbell: OwnedFd,
    /// The handle: closing it frees the channel; it hangs up when the device is gone.
    handle: OwnedFd,
    /// The process that bound it.
    owner: u32,
}

/// A child may have a copy of the handle, which would keep the channel; its own drop frees nothing.
impl Drop for SocketLine {
    fn drop(&mut self) {
        if std::process::id() == self.owner {
            let _ = rustix::net::shutdown(&self.handle, Shutdown::Both);
        }
    }
}

impl Line for SocketLine {
    fn pages(&self) -> Pages<'_> {
        Pages {
            file: self.pages.as_fd(),
            offset: 0,
            bytes: self.bytes,
        }
    }

    #[cfg(feature = "tokio")]
    fn handle(&self) -> Option<BorrowedFd<'_>> {
        Some(self.handle.as_fd())
    }

    fn wake_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// The eventfd tells of mail and of room alike.
    fn sleep(&self, _wait: Wait, timeout: Option<&Timespec>) -> Result<Event, Errno> {
        let mut fds = [
            PollFd::new(&self.wake, PollFlags::IN),
            PollFd::new(&self.handle, PollFlags::IN),
        ];
        match poll(&mut fds, timeout)? {
            0 => Ok(Event::TimedOut),
            _ if !fds[1].revents().is_empty() && fds[0].revents().is_empty() => Ok(Event::HungUp),
            _ => Ok(Event::Rung),
        }
    }

    fn heard(&self) {
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
    }

    fn ring(&self) {
        // A full counter means that it is ringing already.
        let _ = rustix::io::write(&self.doorbell, &1_u64.to_ne_bytes());
    }

    /// The device sends nothing unasked, so anything to read is the end.
    fn hung_up(&self) -> bool {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut fds = [PollFd::new(&self.handle, PollFlags::IN)];
        matches!(poll(&mut fds, Some(&now)), Ok(1..))
    }

    /// The device frees first, then hangs up itself. One that is gone, or does not answer, is not
    /// waited for.
    fn hang_up(&self) {
        if rustix::net::shutdown(&self.handle, Shutdown::Write).is_ok() {
            let _ = wait_readable(self.handle.as_fd());
        }
    }
}

fn file_bytes(file: &OwnedFd) -> Result<usize, Errno> {
    usize::try_from(rustix::fs::fstat(file)?.st_size).map_err(|_| Errno::OVERFLOW)
}
