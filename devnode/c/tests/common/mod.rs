//! What the tests of the C halves share.
#![allow(dead_code, missing_docs)]

use offsched_abi::ring::{RecvError, SendError};
use offsched_c::Errno;

/// The errno that stands for a refusal to send.
pub fn send_errno(error: SendError) -> Errno {
    Errno(match error {
        SendError::Full => libc::EAGAIN,
        SendError::TooLong { .. } | SendError::OtherLength { .. } => libc::EMSGSIZE,
        SendError::Closed => libc::ESHUTDOWN,
        SendError::PeerCorrupt => libc::EBADMSG,
    })
}

/// The errno that stands for a refusal to receive.
pub fn recv_errno(error: RecvError) -> Errno {
    Errno(match error {
        RecvError::Empty => libc::EAGAIN,
        RecvError::BufferTooSmall { .. } | RecvError::OtherLength { .. } => libc::EMSGSIZE,
        RecvError::Closed => libc::ESHUTDOWN,
        RecvError::PeerCorrupt => libc::EBADMSG,
    })
}

/// Runs a function when dropped, also when a test fails.
pub struct OnDrop<F: Fn()>(pub F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
