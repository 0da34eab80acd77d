//! The notes in an image: ours, by which whoever loads it knows it for one, and the linker's.
#![allow(unsafe_code)]

use offsched_abi::header::BuildId;
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

/// Sizes, type and the owner "GNU" of the linker's note.
const GNU_HEAD: usize = 16;

/// The image's build id; `None` if it was linked without `--build-id`.
pub(crate) fn build_id() -> Option<BuildId> {
    unsafe extern "C" {
        static offsched_build_id: u8;
        static offsched_build_id_end: u8;
    }
    let start = &raw const offsched_build_id;
    let bytes = (&raw const offsched_build_id_end).addr() - start.addr();
    // SAFETY: the script puts the two around the linker's note, which lies in the image's constants.
    let note = unsafe { core::slice::from_raw_parts(start, bytes) };
    BuildId::new(note.get(GNU_HEAD..)?)
}
