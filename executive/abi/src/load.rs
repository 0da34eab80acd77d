//! What the program that loads images asks the kernel's device for. Applications use [`node`](crate::node).
//!
//! ```text
//!   LOAD -> [LIMIT] -> START -> [STOP] -> RETURN -> LOAD -> ...
//! ```

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::region::NAME_BYTES;

/// Numbers of its calls; their type byte is [`TYPE`](crate::node::call::TYPE).
pub mod call {
    /// Reads a [`Load`](super::Load).
    pub const LOAD: u8 = 1;
    /// Takes the CPU and starts the image.
    pub const START: u8 = 2;
    /// Asks the image to end.
    pub const STOP: u8 = 3;
    /// Gives the CPU to Linux, whatever the image does.
    pub const RETURN: u8 = 4;
    /// Reads a [`Limit`](super::Limit).
    pub const LIMIT: u8 = 9;
}

/// Most segments of an image.
pub const SEGMENTS_MAX: usize = 16;
/// For [`Segment::access`]: the core may read; always set.
pub const ACCESS_READ: u32 = 1;
/// For [`Segment::access`]: it may write; never together with [`ACCESS_EXEC`].
pub const ACCESS_WRITE: u32 = 2;
/// For [`Segment::access`]: it may run what is there.
pub const ACCESS_EXEC: u32 = 4;

/// Part of an image: whole pages, filled from data, the rest zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Segment {
    /// Address on the core.
    pub address: u64,
    /// Bytes there, whole pages.
    pub bytes: u64,
    /// Where the loading program has the data.
    pub data: u64,
    /// Bytes of it.
    pub data_bytes: u64,
    /// ACCESS_* together.
    pub access: u32,
    /// Zero.
    pub reserved: u32,
}

/// An image for a CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Load {
    /// Where it starts, in an executable segment.
    pub entry: u64,
    /// Where the loading program has the array of [`Segment`]s.
    pub segments: u64,
    /// Entries in it.
    pub count: u32,
    /// The CPU.
    pub cpu: u32,
    /// Bytes of shared memory, whole pages.
    pub shared_bytes: u64,
    /// Bytes of it that everybody may see, from the start; whole pages.
    pub public_bytes: u64,
}

/// Lets a group's members bind a service of the image that was loaded. A service that no limit names is for all who can
/// open the device.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Limit {
    /// The service's name, padded with zeros.
    pub service: [u8; NAME_BYTES],
    /// The group, as the caller numbers it.
    pub gid: u32,
    /// Zero.
    pub reserved: u32,
}

/// Most limits of an image.
pub const LIMITS_MAX: usize = 256;

/// How far a CPU is on its way to an image and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stage {
    /// Nothing loaded.
    Empty = 0,
    /// An image that has not run.
    Loaded = 1,
    /// The CPU is the image's.
    Offloaded = 2,
    /// The CPU is Linux's again; the shared memory is as the image left it.
    Returned = 3,
}

impl Stage {
    /// The stage of a word; `None`: the module is newer than this program.
    pub fn from_word(word: u32) -> Option<Self> {
        [Self::Empty, Self::Loaded, Self::Offloaded, Self::Returned]
            .into_iter()
            .find(|stage| *stage as u32 == word)
    }
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[test]
    fn a_stage_is_one_of_four_words() {
        for stage in [
            Stage::Empty,
            Stage::Loaded,
            Stage::Offloaded,
            Stage::Returned,
        ] {
            assert_eq!(Stage::from_word(stage as u32), Some(stage));
        }
        assert_eq!(Stage::from_word(4), None);
    }
}
