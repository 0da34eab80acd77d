//! The build id: by which whoever has an ELF file knows whether the core runs that very one.

use core::fmt;
use core::sync::atomic::AtomicU8;

use crate::sync::{AtomicU32, Ordering, load_acquire_u32};

/// Bytes of a build id that are kept: all of a linker's usual ones (SHA-1).
pub const BUILD_ID_BYTES: usize = 20;

/// The build id of the program that runs on the core, written once at its start.
#[repr(C)]
#[derive(Debug)]
pub struct Build {
    /// 0: it has none. Written last.
    len: AtomicU32,
    bytes: [AtomicU8; BUILD_ID_BYTES],
}

impl Build {
    pub(super) fn new() -> Self {
        Self {
            len: AtomicU32::new(0),
            bytes: [const { AtomicU8::new(0) }; BUILD_ID_BYTES],
        }
    }

    /// Says which build this is.
    pub fn publish(&self, id: &BuildId) {
        for (shared, byte) in self.bytes.iter().zip(id.bytes) {
            shared.store(byte, Ordering::Relaxed);
        }
        self.len.store(id.len as u32, Ordering::Release);
    }

    /// Which build this is; `None` if the program was linked without a build id.
    pub fn read(&self) -> Option<BuildId> {
        let len = load_acquire_u32(&self.len) as usize;
        let bytes: [u8; BUILD_ID_BYTES] =
            core::array::from_fn(|at| self.bytes[at].load(Ordering::Relaxed));
        BuildId::new(bytes.get(..len.min(BUILD_ID_BYTES))?)
    }
}

/// What a linker makes of everything that it linked (`--build-id`): two files with the same one
/// came out of the same link. Shown as hexadecimal digits, as other tools do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BuildId {
    bytes: [u8; BUILD_ID_BYTES],
    len: usize,
}

impl BuildId {
    /// The id in an ELF file's note; of a longer one the beginning. `None` if it is empty.
    pub fn new(note: &[u8]) -> Option<Self> {
        let mut bytes = [0; BUILD_ID_BYTES];
        for (to, from) in bytes.iter_mut().zip(note) {
            *to = *from;
        }
        let len = note.len().min(BUILD_ID_BYTES);
        (len > 0).then_some(Self { bytes, len })
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.iter().take(self.len);
        bytes
            .into_iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_id_survives_shared_memory() {
        let shared = Build::new();
        assert_eq!(shared.read(), None);
        let id = BuildId::new(&[0xab, 0x01]).unwrap();
        shared.publish(&id);
        assert_eq!(shared.read(), Some(id));
        assert_eq!(id.to_string(), "ab01");
        assert_ne!(BuildId::new(&[0xab, 0x01, 0]), Some(id));
        assert_eq!(BuildId::new(&[]), None);
    }

    #[test]
    fn lengths_that_are_none_are_bounded() {
        let shared = Build::new();
        shared.publish(&BuildId::new(&[7; 64]).unwrap());
        shared.len.store(u32::MAX, Ordering::Relaxed);
        assert_eq!(shared.read(), BuildId::new(&[7; BUILD_ID_BYTES]));
    }
}
