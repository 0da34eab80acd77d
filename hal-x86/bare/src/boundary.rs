//! What the module has mapped around the image: parameters and shared memory.
#![allow(unsafe_code)]

use core::ptr::with_exposed_provenance_mut;

use offsched_abi::console::Console;
use offsched_abi::header::TimeScale;
use offsched_abi::image::{
    PARAMS_ADDRESS, PARAMS_MAGIC, Params, SHARED_ADDRESS, SHARED_MAX, console_offset,
};
use offsched_abi::region::Region;

use crate::once::Once;

/// Set once the region is there; nothing can be said before.
pub(crate) static BOUNDARY: Once<Boundary> = Once::new();

/// What lies around the image.
pub(crate) struct Boundary {
    pub params: &'static Params,
    pub region: Region<'static>,
    pub console: &'static Console,
}

/// What the module tells; `None` if it speaks another language.
///
/// # Safety
/// In an image that the module has started.
pub(crate) unsafe fn params() -> Option<&'static Params> {
    // SAFETY: the module maps the parameters there, read-only, for as long as the image runs, and changes only `stop`.
    let params = unsafe { &*with_exposed_provenance_mut::<Params>(PARAMS_ADDRESS) };
    (params.magic == PARAMS_MAGIC && params.shared_bytes <= SHARED_MAX).then_some(params)
}

/// Makes the region, for so many tasks, and the state `starting`: the image's
/// first sign of life. `None`: it needs more memory than there is.
///
/// # Safety
/// Called once, before interrupts, in an image that the module has started.
pub(crate) unsafe fn open(params: &'static Params, tasks: usize) -> Option<&'static Boundary> {
    let bytes = params.shared_bytes as usize;
    let base = with_exposed_provenance_mut::<u8>(SHARED_ADDRESS);
    let offset = console_offset(bytes)?;
    // SAFETY: the module maps `bytes` writable, zero bytes there; Linux shows them to others read-only. The region gets
    // those before the console.
    let region = unsafe { Region::format(base, offset, &[], 0, tasks) }.ok()?;
    // SAFETY: within the memory, page aligned; all zero is an empty console, all of it atomic words.
    let console = unsafe { &*base.add(offset).cast::<Console>() };
    let header = region.header();
    let scale = TimeScale::new(
        params.tsc_khz.saturating_mul(1_000),
        params.tsc,
        params.monotonic_ns,
    )?;
    header.time.publish(&scale);
    header.state.begin_in(params.epoch).ok()?;
    BOUNDARY.set(Boundary {
        params,
        region,
        console,
    })
}
