//! A channel for programs that run on tokio.
#![allow(unsafe_code)]

use std::future::poll_fn;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};

use offsched_abi::channel::Wait;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::channel::Channel;
use crate::error::Error;

/// A channel whose calls wait without a thread. For tokio's runtimes with I/O switched on.
///
/// Every call may be given up at any await: a message is received whole or stays, and is sent whole or not at all.
pub struct AsyncChannel {
    channel: Channel,
    fds: Fds,
}

/// What the runtime watches.
struct Fds {
    /// Readable when the core rang.
    wake: AsyncFd<OwnedFd>,
    /// Readable when the device is gone; `None`: `wake` tells of that too, and of room by becoming writable.
    handle: Option<AsyncFd<OwnedFd>>,
}

impl AsyncChannel {
    /// Takes a bound channel over. Within a runtime only.
    ///
    /// # Errors
    /// [`Error::Os`] if the runtime cannot watch the channel's descriptors.
    pub fn new(channel: Channel) -> Result<Self, Error> {
        let fds = Fds::of(&channel)?;
        Ok(Self { channel, fds })
    }

    /// The channel, for calls that do not wait.
    pub fn get_mut(&mut self) -> &mut Channel {
        &mut self.channel
    }

    /// Gives the channel back.
    pub fn into_inner(self) -> Channel {
        self.channel
    }

    /// Binds the service again, as [`Channel::rebind`].
    ///
    /// # Errors
    /// As [`Device::bind`](crate::Device::bind), and [`Error::Os`] as [`new`](Self::new).
    pub fn rebind(&mut self) -> Result<(), Error> {
        self.channel.rebind()?;
        self.fds = Fds::of(&self.channel)?;
        Ok(())
    }

    /// Sends a message, waiting for room.
    ///
    /// # Errors
    /// As [`Channel::send`].
    pub async fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        loop {
            match self.channel.try_send(message) {
                Err(Error::Full) => self.wait(Wait::Room(message.len())).await?,
                result => return result,
            }
        }
    }

    /// Receives a message into the front of `buf` and returns its length, waiting for one.
    ///
    /// # Errors
    /// As [`Channel::recv`].
    pub async fn recv(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        loop {
            if let Some(len) = self.channel.try_recv(buf)? {
                return Ok(len);
            }
            self.wait(Wait::Mail).await?;
        }
    }

    /// Waits until the core rings or there is something to do.
    async fn wait(&mut self, wait: Wait) -> Result<(), Error> {
        if self.channel.prepare(wait) {
            poll_fn(|cx| self.fds.poll_rung(wait, cx)).await?;
            self.channel.awake()?;
        }
        Ok(())
    }
}

impl Fds {
    fn of(channel: &Channel) -> Result<Self, Error> {
        let handle = channel.handle();
        let interest = match handle {
            Some(_) => Interest::READABLE,
            None => Interest::READABLE | Interest::WRITABLE,
        };
        Ok(Self {
            wake: watch(channel.as_fd(), interest)?,
            handle: handle
                .map(|handle| watch(handle, Interest::READABLE))
                .transpose()?,
        })
    }

    /// Ready when the core rang since the last time, or the device is gone.
    fn poll_rung(&self, wait: Wait, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let by_writing = self.handle.is_none() && !matches!(wait, Wait::Mail);
        let rung = match by_writing {
            true => self.wake.poll_write_ready(cx),
            false => self.wake.poll_read_ready(cx),
        };
        if let Poll::Ready(ready) = rung {
            ready.map_err(refused)?.clear_ready();
            return Poll::Ready(Ok(()));
        }
        match &self.handle {
            Some(handle) => handle
                .poll_read_ready(cx)
                .map(|ready| ready.map(drop).map_err(refused)),
            None => Poll::Pending,
        }
    }
}

fn refused(error: std::io::Error) -> Error {
    Error::Os {
        what: "watch the channel in the runtime",
        errno: Errno::from_io_error(&error).unwrap_or(Errno::IO),
    }
}

/// A descriptor of our own for the same file, which the runtime watches.
fn watch(fd: BorrowedFd<'_>, interest: Interest) -> Result<AsyncFd<OwnedFd>, Error> {
    let own = fd.try_clone_to_owned().map_err(refused)?;
    // SAFETY: an OwnedFd owns an open descriptor, and nobody here replaces or closes it before the AsyncFd drops it.
    let watched = unsafe { AsyncFd::register_with_interest(own, interest) };
    watched.map_err(|error| refused(error.into()))
}
