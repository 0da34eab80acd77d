//! What can go wrong while a device is set up.

use std::fmt;
use std::path::PathBuf;

use offsched_abi::region::RegionError;
use rustix::io::Errno;

/// Why a device could not be made or served. The text says what to do.
#[derive(Debug)]
pub enum DeviceError {
    /// A service's declaration does not work.
    Service {
        /// The service.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The region could not be laid out.
    Region(RegionError),
    /// Another device is served at this path.
    InUse {
        /// The socket's path.
        path: PathBuf,
    },
    /// The operating system refused.
    Os {
        /// What was tried.
        what: String,
        /// The system's error.
        errno: Errno,
    },
}

impl DeviceError {
    pub(crate) fn os(what: impl Into<String>) -> impl FnOnce(Errno) -> Self {
        move |errno| Self::Os {
            what: what.into(),
            errno,
        }
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { name, problem } => write!(f, "service `{name}`: {problem}"),
            Self::Region(error) => write!(f, "the region cannot be laid out: {error}"),
            Self::InUse { path } => write!(
                f,
                "another device is served at {}: stop it, or give this one another name",
                path.display()
            ),
            Self::Os { what, errno } => write!(f, "cannot {what}: {errno}"),
        }
    }
}

impl std::error::Error for DeviceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Region(error) => Some(error),
            Self::Os { errno, .. } => Some(errno),
            Self::Service { .. } | Self::InUse { .. } => None,
        }
    }
}
