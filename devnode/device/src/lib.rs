//! Linux's side of a bare core: image files and the kernel's device.
//!
//! The kernel module parses no ELF. [`ImageFile`] reads one, checks it, and
//! makes the list of segments that the module takes; [`Device`] is the node
//! `/dev/offsched`, and [`Shared`] what it shows of a core.
#![deny(unsafe_code)]

mod device;
mod image;
mod shared;

pub use device::{Device, DeviceState, Status};
pub use image::{Access, ImageError, ImageFile, Segment};
pub use shared::Shared;
