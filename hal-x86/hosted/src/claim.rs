//! One CPU, one core: a lock file for each CPU that runs one.
//!
//! The lock is the kernel's (flock), so it goes when its process does, however
//! that ends; the file itself stays and means nothing. Only executives of the
//! same user see each other: another user has another directory.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::{CpuList, Error};

/// A claimed CPU; free again when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    _file: File,
}

/// Where this user's hosted cores keep what they share:
/// `$XDG_RUNTIME_DIR/offsched`, or `/tmp/offsched-<uid>`.
pub fn runtime_dir() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(dir) if Path::new(&dir).is_absolute() => Path::new(&dir).join("offsched"),
        _ => PathBuf::from(format!(
            "/tmp/offsched-{}",
            rustix::process::getuid().as_raw()
        )),
    }
}

/// Claims a CPU.
pub(crate) fn claim(dir: &Path, cpu: usize, available: &CpuList) -> Result<Claim, Error> {
    own_dir(dir).map_err(|source| refused(dir, source))?;
    let path = dir.join(format!("cpu{cpu}.lock"));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(&path)
        .map_err(|source| refused(&path, source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::CpuTaken {
                cpu,
                owner: owner(&mut file),
                available: available.without(cpu),
            });
        }
        Err(TryLockError::Error(source)) => return Err(refused(&path, source)),
    }
    write_owner(&mut file).map_err(|source| refused(&path, source))?;
    Ok(Claim { _file: file })
}

fn refused(path: &Path, source: io::Error) -> Error {
    Error::RuntimeDir {
        path: path.to_owned(),
        source,
    }
}

/// Makes the directory if need be. In `/tmp` anybody could have made it first,
/// so it must be a real directory of this user.
fn own_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = std::fs::symlink_metadata(dir)?;
    let mine = found.uid() == rustix::process::getuid().as_raw();
    if found.is_dir() && mine {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is not a directory of this user",
        ))
    }
}

fn owner(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_owner(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir =
            std::env::temp_dir().join(format!("offsched-claim-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        dir
    }

    #[test]
    fn a_cpu_is_claimed_once_and_freed_by_dropping() {
        let dir = scratch("once");
        let available = CpuList::new(vec![3]);
        let first = claim(&dir, 3, &available).unwrap();
        match claim(&dir, 3, &available) {
            Err(Error::CpuTaken { cpu: 3, owner, .. }) => {
                assert_eq!(owner, Some(std::process::id()));
            }
            other => panic!("{other:?}"),
        }
        claim(&dir, 4, &available).unwrap();
        drop(first);
        claim(&dir, 3, &available).unwrap();
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_directory_that_is_a_link_or_missing_its_parent_is_refused() {
        let dir = scratch("link");
        std::os::unix::fs::symlink("/", &dir).unwrap();
        for dir in [dir.clone(), scratch("none").join("below")] {
            let error = claim(&dir, 0, &CpuList::new(vec![0])).unwrap_err();
            assert!(matches!(error, Error::RuntimeDir { .. }), "{error:?}");
            assert!(error.to_string().contains("XDG_RUNTIME_DIR"), "{error}");
        }
        std::fs::remove_file(dir).unwrap();
    }
}
