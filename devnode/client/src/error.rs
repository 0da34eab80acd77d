//! What can go wrong, said so that one knows what to do.

use std::fmt;
use std::io;
use std::path::PathBuf;

use offsched_abi::ABI_VERSION;
use offsched_abi::header::State;
use offsched_abi::region::RegionError;
use rustix::io::Errno;

/// Why a call failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Nothing answers at this path.
    NoDevice {
        /// The path.
        path: PathBuf,
        /// The system's error.
        errno: Errno,
    },
    /// Only the kernel's device does this, and what is at this path is a hosted core's.
    NotTheKernels {
        /// The path.
        path: PathBuf,
    },
    /// The device has another ABI version or layout.
    Version {
        /// The device's version.
        device: u32,
    },
    /// What the device handed out is not a region that this library can read.
    Region(RegionError),
    /// The device has no such service.
    NoService {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// As many applications as the service takes are bound to it.
    AllTaken {
        /// The service.
        name: String,
    },
    /// The service's messages are of other types than this program's.
    WrongType {
        /// The service.
        name: String,
        /// What it receives and sends.
        has: String,
        /// What this program would send and receive.
        asked: String,
    },
    /// The service is for other users than this program's.
    NotAllowed {
        /// The service.
        name: String,
    },
    /// The core does not run, or not any more the image that this channel was bound to.
    CoreGone {
        /// What the core does now. A device whose process died counts as crashed.
        state: State,
    },
    /// The device closed this channel while the core runs on.
    Closed,
    /// The ring to the core is full.
    Full,
    /// The message is longer than the service takes.
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest in bytes.
        max: usize,
    },
    /// Messages of the type that the service states have one size, and this one another.
    WrongLength {
        /// Its length in bytes.
        len: usize,
        /// The type's.
        wanted: usize,
    },
    /// The next message is longer than the buffer; it was kept.
    BufferTooSmall {
        /// Its length in bytes.
        needed: usize,
    },
    /// A message does not have the type's size, or its bytes are no value of the type.
    /// [`recv_msg`](crate::Channel::recv_msg) has taken it out of the ring;
    /// [`try_recv_msgs`](crate::Channel::try_recv_msgs) leaves it there.
    NotThatType {
        /// Its length in bytes.
        len: usize,
    },
    /// The channel's memory holds indices that the core would not write.
    Corrupt,
    /// The device is out of memory, descriptors or handles.
    NoResources,
    /// The device answered what this library does not understand.
    Protocol(&'static str),
    /// The operating system refused.
    Os {
        /// What was tried.
        what: &'static str,
        /// The system's error.
        errno: Errno,
    },
}

impl Error {
    pub(crate) fn os(what: &'static str) -> impl FnOnce(Errno) -> Self {
        move |errno| Self::Os { what, errno }
    }

    /// As a number, the one that the C library has for it: for callers that know errors by those.
    pub fn errno(&self) -> i32 {
        let errno = match self {
            Self::NoDevice { errno, .. } | Self::Os { errno, .. } => *errno,
            Self::NotTheKernels { .. } => Errno::OPNOTSUPP,
            Self::Version { .. } | Self::Region(RegionError::Version { .. }) => Errno::PROTO,
            Self::NoService { .. } => Errno::NOENT,
            Self::AllTaken { .. } => Errno::BUSY,
            Self::WrongType { .. } | Self::NotThatType { .. } => Errno::PROTOTYPE,
            Self::NotAllowed { .. } => Errno::PERM,
            Self::CoreGone { .. } => Errno::NODEV,
            Self::Closed => Errno::SHUTDOWN,
            Self::Full => Errno::AGAIN,
            Self::TooLong { .. } | Self::WrongLength { .. } | Self::BufferTooSmall { .. } => {
                Errno::MSGSIZE
            }
            Self::Corrupt => Errno::BADMSG,
            Self::NoResources => Errno::NOBUFS,
            Self::Region(_) | Self::Protocol(_) => Errno::REMOTEIO,
        };
        errno.raw_os_error()
    }
}

/// Of the kind that its number has, with the sentence.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = Self::from_raw_os_error(error.errno()).kind();
        Self::new(kind, error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDevice { path, errno } if *errno == Errno::ACCESS => write!(
                f,
                "no permission for {} ({errno}): are you in the group that owns it?",
                path.display()
            ),
            Self::NoDevice { path, errno } => write!(
                f,
                "no device at {} ({errno}): is the image running, and is this its device or socket?",
                path.display()
            ),
            Self::NotTheKernels { path } => write!(
                f,
                "{} is a hosted core's socket, whose channels cannot be read and written: use the kernel's \
                 /dev/offsched for that, or the library's calls",
                path.display()
            ),
            Self::Version { device } => write!(
                f,
                "the device has ABI version {device}, this program {ABI_VERSION}, or their layouts \
                 differ: build both from the same sources"
            ),
            Self::Region(error) => write!(f, "the device's region cannot be read: {error}"),
            Self::NoService { name, known } if known.is_empty() => {
                write!(f, "no service `{name}`: the image has none")
            }
            Self::NoService { name, known } => {
                write!(
                    f,
                    "no service `{name}`; the image has: {}",
                    known.join(", ")
                )
            }
            Self::AllTaken { name } => write!(
                f,
                "all channels of service `{name}` are taken: close one, or declare more clients"
            ),
            Self::WrongType { name, has, asked } => write!(
                f,
                "service `{name}` has other messages: to and from the core it has {has}, this program \
                 {asked}; build both from the same sources"
            ),
            Self::NotAllowed { name } => write!(
                f,
                "service `{name}` is not for this user: it was limited to a group when the core was \
                 started"
            ),
            Self::CoreGone { state } => write!(
                f,
                "the core is gone (now {state}); start it again if need be, then rebind"
            ),
            Self::Closed => write!(f, "the device closed this channel: rebind to go on"),
            Self::Full => write!(
                f,
                "the ring to the core is full: try later, or wait for room"
            ),
            Self::TooLong { len, max } => {
                write!(
                    f,
                    "a message of {len} bytes; the service takes {max} at most"
                )
            }
            Self::WrongLength { len, wanted } => {
                write!(
                    f,
                    "a message of {len} bytes; the service's have {wanted}, no more and no less"
                )
            }
            Self::BufferTooSmall { needed } => {
                write!(
                    f,
                    "the next message has {needed} bytes: receive it into a larger buffer"
                )
            }
            Self::NotThatType { len } => {
                write!(
                    f,
                    "a message of {len} bytes is no value of the type asked for"
                )
            }
            Self::Corrupt => write!(f, "the channel's memory is damaged: rebind to go on"),
            Self::NoResources => {
                write!(
                    f,
                    "the device is out of memory, descriptors or handles: close some"
                )
            }
            Self::Protocol(what) => write!(f, "the device broke the protocol: {what}"),
            Self::Os { what, errno } => write!(f, "cannot {what}: {errno}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Region(error) => Some(error),
            Self::NoDevice { errno, .. } | Self::Os { errno, .. } => Some(errno),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_io_has_the_numbers_kind_and_the_sentence() {
        let name = || "timer".to_owned();
        let errors = [
            (Error::AllTaken { name: name() }, Errno::BUSY),
            (Error::NotAllowed { name: name() }, Errno::PERM),
            (Error::Full, Errno::AGAIN),
            (Error::TooLong { len: 9, max: 8 }, Errno::MSGSIZE),
            (Error::WrongLength { len: 7, wanted: 8 }, Errno::MSGSIZE),
            (Error::os("map the channel")(Errno::NOMEM), Errno::NOMEM),
        ];
        for (error, errno) in errors {
            assert_eq!(error.errno(), errno.raw_os_error());
            let sentence = error.to_string();
            let error = io::Error::from(error);
            assert_eq!(error.kind(), io::Error::from(errno).kind());
            assert_eq!(error.to_string(), sentence);
        }
    }
}
