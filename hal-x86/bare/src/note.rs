//! The note by which whoever loads an image knows it for one.

use offsched_abi::image::{ImageInfo, Layout, NOTE_NAME, NOTE_TYPE, Needs};

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
    /// The note of an image of an app with those needs.
    ///
    /// # Panics
    /// If they are more than there can be; in a constant, as [`image!`](crate::image) has it, that is a compile error.
    pub const fn new(needs: &Needs) -> Self {
        let Some(layout) = Layout::new(needs) else {
            panic!(
                "the app declares more services, channels, tasks or ring bytes than an image can have: 64, 1024, 4096, \
                 and 256 MiB of shared memory"
            )
        };
        Self {
            name_bytes: NOTE_NAME.len() as u32,
            info_bytes: size_of::<ImageInfo>() as u32,
            kind: NOTE_TYPE,
            name: *NOTE_NAME,
            info: ImageInfo::new(&layout),
        }
    }
}
