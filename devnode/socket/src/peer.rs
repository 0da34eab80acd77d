//! Who is at the other end of a connection, and until when. Socket options that rustix does not have, or
//! not for a peer whose process has no number here, are asked for by hand.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Room for so many groups at first; most users are in fewer.
const GROUPS: usize = 32;

/// A user at the time of the connection, as the kernel noted it.
#[derive(Debug)]
pub(crate) struct Peer {
    uid: u32,
    /// The group, and the supplementary ones.
    groups: Vec<u32>,
}

impl Peer {
    /// Who made the connection.
    pub(crate) fn of(connection: &OwnedFd) -> Result<Self, Errno> {
        let credentials = credentials(connection)?;
        let mut groups = supplementary(connection)?;
        groups.push(credentials.gid);
        Ok(Self {
            uid: credentials.uid,
            groups,
        })
    }

    /// True for root, and for who is in one of the groups.
    pub(crate) fn is_in(&self, groups: &[u32]) -> bool {
        self.uid == 0 || groups.iter().any(|gid| self.groups.contains(gid))
    }
}

/// What becomes readable when the process that made the connection ends: a child of it may hold the
/// connection on. `None` for a process of another namespace, which has no number here.
///
/// # Errors
/// [`Errno::SRCH`] if it has ended already.
pub(crate) fn end_of(connection: &OwnedFd) -> Result<Option<OwnedFd>, Errno> {
    let pid = Pid::from_raw(credentials(connection)?.pid);
    pid.map(|pid| pidfd_open(pid, PidfdFlags::empty()))
        .transpose()
}

/// Who made the connection, by number.
fn credentials(connection: &OwnedFd) -> Result<libc::ucred, Errno> {
    let mut found = libc::ucred {
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let mut bytes = size_of_val(&found) as libc::socklen_t;
    // SAFETY: the kernel writes at most `bytes` bytes to `found`, which has that many, and any are one.
    let result = unsafe {
        libc::getsockopt(
            connection.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &raw mut bytes,
        )
    };
    if result == 0 {
        return Ok(found);
    }
    let error = std::io::Error::last_os_error();
    Err(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn supplementary(connection: &OwnedFd) -> Result<Vec<u32>, Errno> {
    let mut groups = vec![0_u32; GROUPS];
    loop {
        let mut bytes = size_of_val(&groups[..]) as libc::socklen_t;
        // SAFETY: the kernel writes at most `bytes` bytes to `groups`, which has that many, and says how many it has.
        let result = unsafe {
            libc::getsockopt(
                connection.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut bytes,
            )
        };
        let count = bytes as usize / size_of::<u32>();
        if result == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        match std::io::Error::last_os_error().raw_os_error() {
            Some(libc::ERANGE) if count > groups.len() => groups.resize(count, 0),
            other => return Err(Errno::from_raw_os_error(other.unwrap_or(libc::EIO))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_members_are_in() {
        let peer = |uid| Peer {
            uid,
            groups: vec![100, 7],
        };
        assert!(peer(1000).is_in(&[5, 7]) && peer(0).is_in(&[5]));
        assert!(!peer(1000).is_in(&[5]) && !peer(1000).is_in(&[]));
    }
}
