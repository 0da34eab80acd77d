//! Who is at the other end of a connection. One system call that rustix does not have yet is made
//! by hand here.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;

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
        let credentials = socket_peercred(connection)?;
        let mut groups = supplementary(connection)?;
        groups.push(credentials.gid.as_raw());
        Ok(Self {
            uid: credentials.uid.as_raw(),
            groups,
        })
    }

    /// True for root, and for who is in one of the groups.
    pub(crate) fn is_in(&self, groups: &[u32]) -> bool {
        self.uid == 0 || groups.iter().any(|gid| self.groups.contains(gid))
    }
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
