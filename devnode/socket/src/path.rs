//! Where the socket is, and that it is ours.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::error::DeviceError;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 16;

/// Where a device of that name is served unless told otherwise:
/// `$XDG_RUNTIME_DIR/offsched/<name>.sock`, or `/tmp/offsched-<uid>/<name>.sock`.
pub fn default_path(name: &str) -> PathBuf {
    let folder = match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(runtime) if !runtime.is_empty() => PathBuf::from(runtime).join("offsched"),
        _ => fallback_folder(),
    };
    folder.join(format!("{name}.sock"))
}

/// In a place where anybody may make folders: [`make_folder`] looks whose it is.
fn fallback_folder() -> PathBuf {
    PathBuf::from(format!(
        "/tmp/offsched-{}",
        rustix::process::getuid().as_raw()
    ))
}

/// A listening socket and the lock that makes its path this process's. A lock dies with its
/// process, so a socket left behind by a killed one is known to be stale and is replaced.
pub(crate) struct Listener {
    pub(crate) socket: OwnedFd,
    path: PathBuf,
    _lock: File,
}

impl Listener {
    pub(crate) fn bind(path: &Path) -> Result<Self, DeviceError> {
        make_folder(path)?;
        let lock = take_lock(path)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(io(
                    format!("replace the stale socket {}", path.display()),
                    &error,
                ));
            }
            _ => {}
        }
        let os = || DeviceError::os(format!("listen at {}", path.display()));
        let address = SocketAddrUnix::new(path).map_err(os())?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
                .map_err(os())?;
        rustix::net::bind(&socket, &address).map_err(os())?;
        rustix::net::listen(&socket, BACKLOG).map_err(os())?;
        Ok(Self {
            socket,
            path: path.to_owned(),
            _lock: lock,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The lock file stays: removing it could remove another process's lock.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn make_folder(path: &Path) -> Result<(), DeviceError> {
    let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    else {
        return Ok(());
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| io(format!("make the folder {}", folder.display()), &error))?;
    if folder == fallback_folder() {
        return check_ours(folder);
    }
    Ok(())
}

/// Refuses a folder that another user made, or may write to: the socket in it could be swapped.
fn check_ours(folder: &Path) -> Result<(), DeviceError> {
    let what = || {
        format!(
            "trust the folder {}: another user owns or may write it",
            folder.display()
        )
    };
    let metadata = std::fs::symlink_metadata(folder).map_err(|error| io(what(), &error))?;
    let ours = metadata.is_dir()
        && metadata.uid() == rustix::process::getuid().as_raw()
        && metadata.mode() & 0o022 == 0;
    if ours {
        Ok(())
    } else {
        Err(DeviceError::Os {
            what: what(),
            errno: Errno::PERM,
        })
    }
}

fn take_lock(path: &Path) -> Result<File, DeviceError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let what = || format!("lock {}", name.display());
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| io(what(), &error))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(DeviceError::InUse {
            path: path.to_owned(),
        }),
        Err(errno) => Err(DeviceError::Os {
            what: what(),
            errno,
        }),
    }
}

fn io(what: String, error: &std::io::Error) -> DeviceError {
    let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
    DeviceError::Os { what, errno }
}
