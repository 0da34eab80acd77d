//! Requests in, replies and descriptors out. Never waits.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use offsched_abi::node::{Reply, Request};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg};
use zerocopy::{FromBytes, IntoBytes};

/// Most descriptors beside a reply.
const FDS_MAX: usize = 3;

/// What a readable connection had.
pub(crate) enum Incoming {
    /// Something of a request's size.
    Request(Request),
    /// Anything else.
    Malformed,
    /// Nothing after all.
    Nothing,
    /// The application is gone.
    HangUp,
}

/// Takes one packet. Descriptors that came with it are dropped by the kernel.
pub(crate) fn receive(connection: &OwnedFd) -> Incoming {
    // One byte more than a request, so that a longer packet shows.
    let mut bytes = [0; size_of::<Request>() + 1];
    match recv(connection, &mut bytes, RecvFlags::DONTWAIT) {
        Ok((0, _)) => Incoming::HangUp,
        Ok((len, _)) if len == size_of::<Request>() => {
            match Request::read_from_bytes(&bytes[..len]) {
                Ok(request) => Incoming::Request(request),
                Err(_) => Incoming::Malformed,
            }
        }
        Ok(_) => Incoming::Malformed,
        Err(Errno::WOULDBLOCK | Errno::INTR) => Incoming::Nothing,
        Err(_) => Incoming::HangUp,
    }
}

/// Sends one reply.
///
/// # Errors
/// Also if the application does not take its replies: it is not waited for.
pub(crate) fn reply(
    connection: &OwnedFd,
    reply: &Reply,
    fds: &[BorrowedFd<'_>],
) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::NOBUFS);
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(
        connection,
        &[IoSlice::new(reply.as_bytes())],
        &mut ancillary,
        flags,
    )
    .map(|_| ())
}
