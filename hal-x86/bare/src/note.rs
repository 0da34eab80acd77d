//! The note by which whoever loads an image knows it for one.

use offsched_abi::image::{ImageInfo, NOTE_NAME, NOTE_TYPE};

/// Shared memory that an image asks for, unless it says otherwise: enough for
/// some hundreds of tasks. Bytes.
pub const SHARED_BYTES: u64 = 1 << 20;

/// An ELF note (System V ABI, chapter 5): sizes, type, owner, description.
#[repr(C)]
#[derive(Debug)]
pub struct ImageNote {
    name_bytes: u32,
    info_bytes: u32,
    kind: u32,
    name: [u8; NOTE_NAME.len()],
    info: ImageInfo,
}

const _: () = assert!(NOTE_NAME.len().is_multiple_of(4) && align_of::<ImageNote>() == 4);

impl ImageNote {
    /// The note of an image that needs so many bytes of shared memory.
    pub const fn new(shared_bytes: u64) -> Self {
        Self {
            name_bytes: NOTE_NAME.len() as u32,
            info_bytes: size_of::<ImageInfo>() as u32,
            kind: NOTE_TYPE,
            name: *NOTE_NAME,
            info: ImageInfo::new(shared_bytes),
        }
    }
}
