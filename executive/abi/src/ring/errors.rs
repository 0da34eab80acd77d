//! Why a half of a ring did not do what it was asked.

use core::fmt;

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No room now; there will be when the peer has received.
    Full,
    /// The frame can never be sent in this ring.
    TooLong {
        /// The longest payload in bytes.
        max: usize,
    },
    /// All messages in this ring have another length.
    OtherLength {
        /// Theirs, bytes.
        size: usize,
    },
    /// The channel is not open in the epoch that this end is attached to.
    Closed,
    /// The peer published an index that no honest peer could have. The channel needs a reset.
    PeerCorrupt,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "the ring is full; try again when the peer has received"),
            Self::TooLong { max } => {
                write!(f, "the message is longer than the ring takes ({max} bytes)")
            }
            Self::OtherLength { size } => {
                write!(
                    f,
                    "messages of this ring have {size} bytes, no more and no less"
                )
            }
            Self::Closed => write!(f, "the channel is closed"),
            Self::PeerCorrupt => write!(f, "the peer damaged the ring; the channel needs a reset"),
        }
    }
}

impl core::error::Error for SendError {}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// Nothing there now.
    Empty,
    /// The next frame does not fit the buffer given; it stays in the ring.
    BufferTooSmall {
        /// The frame's payload in bytes.
        needed: usize,
    },
    /// The next frame has another length than was asked for; it stays in the ring.
    OtherLength {
        /// The frame's payload in bytes.
        found: usize,
    },
    /// The channel is not open in the epoch that this end is attached to.
    Closed,
    /// The peer published an index or a length that no honest peer could have. The channel needs
    /// a reset.
    PeerCorrupt,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no message is waiting"),
            Self::BufferTooSmall { needed } => {
                write!(
                    f,
                    "the next message has {needed} bytes, more than the buffer given"
                )
            }
            Self::OtherLength { found } => write!(
                f,
                "the next message has {found} bytes, another length than was asked for"
            ),
            Self::Closed => write!(f, "the channel is closed"),
            Self::PeerCorrupt => write!(f, "the peer damaged the ring; the channel needs a reset"),
        }
    }
}

impl core::error::Error for RecvError {}
