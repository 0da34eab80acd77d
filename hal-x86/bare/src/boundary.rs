//! What the module has mapped around the image: parameters and shared memory.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::ptr::with_exposed_provenance_mut;

use offsched::rt::{ChannelDecl, Task};
use offsched::{needs, service_entries};
use offsched_abi::channel::{ChannelView, channel_bytes};
use offsched_abi::console::Console;
use offsched_abi::header::TimeScale;
use offsched_abi::image::{Layout, PARAMS_ADDRESS, PARAMS_MAGIC, Params, SHARED_ADDRESS};
use offsched_abi::log::LogRings;
use offsched_abi::region::{CHANNELS_MAX, Region, SERVICES_MAX, ServiceEntry};

use crate::note::build_id;
use crate::once::Once;

/// Set once the region is there; nothing can be said before.
pub(crate) static BOUNDARY: Once<Boundary> = Once::new();

/// What lies around the image.
pub(crate) struct Boundary {
    pub params: &'static Params,
    pub region: Region<'static>,
    pub console: &'static Console,
    pub logs: &'static LogRings,
    /// The app's channels, in the order of its declarations.
    pub channels: &'static [ChannelView<'static>],
}

/// Room for the views of all channels that an image can have.
struct Views(UnsafeCell<[MaybeUninit<ChannelView<'static>>; CHANNELS_MAX]>);

// SAFETY: written by `open` before anything else could look, on the one core there is; then read only.
unsafe impl Sync for Views {}

static VIEWS: Views = Views(UnsafeCell::new([MaybeUninit::uninit(); CHANNELS_MAX]));

/// What the module tells; `None` if it speaks another language.
///
/// # Safety
/// In an image that the module has started.
pub(crate) unsafe fn params() -> Option<&'static Params> {
    // SAFETY: the module maps the parameters there, read-only, for as long as the image runs, and changes only atomic
    // words in them.
    let params = unsafe { &*with_exposed_provenance_mut::<Params>(PARAMS_ADDRESS) };
    (params.magic == PARAMS_MAGIC).then_some(params)
}

/// Makes the region for an app's tasks and channels, the channels' views, and the state `starting`: the
/// image's first sign of life. `None`: it needs more memory than there is.
///
/// # Safety
/// Called once, before interrupts, in an image that the module has started.
pub(crate) unsafe fn open(
    params: &'static Params,
    tasks: &[Task],
    channels: &[ChannelDecl],
) -> Option<&'static Boundary> {
    let needs = needs(tasks, channels);
    let layout = Layout::new(&needs)?;
    if params.shared_bytes < layout.shared_bytes {
        return None;
    }
    let base = with_exposed_provenance_mut::<u8>(SHARED_ADDRESS);
    let mut services = [ServiceEntry::default(); SERVICES_MAX];
    let services = services.get_mut(..needs.services)?;
    for (place, entry) in services.iter_mut().zip(service_entries(channels)) {
        *place = entry.ok()?;
    }
    let public_bytes = layout.public_bytes as usize;
    // SAFETY: the module maps `shared_bytes` zero bytes there, writable for as long as the image runs; Linux shows the
    // public ones to others read-only, and writes nothing but atomic words.
    let region =
        unsafe { Region::format(base, public_bytes, services, needs.channels, needs.tasks) }
            .ok()?;
    // All zero is an empty one of each.
    let (console, logs) = (region.console()?, region.logs()?);
    // SAFETY: the channels lie behind what is public, within the memory; called once.
    let channels = unsafe { views(base.add(public_bytes), region) }?;
    let header = region.header();
    let scale = TimeScale::new(
        params.tsc_khz.saturating_mul(1_000),
        params.tsc,
        params.monotonic_ns,
    )?;
    header.time.publish(&scale);
    if let Some(id) = build_id() {
        header.build.publish(&id);
    }
    header.state.begin_in(params.epoch).ok()?;
    BOUNDARY.set(Boundary {
        params,
        region,
        console,
        logs,
        channels,
    })
}

/// Views of the region's channels, which follow each other from `base` on.
///
/// # Safety
/// Called once; the channels' bytes at `base` are mapped, zero and writable for as long as the image runs.
unsafe fn views(base: *mut u8, region: Region<'static>) -> Option<&'static [ChannelView<'static>]> {
    // SAFETY: the only reference ever made to them that can write, by the caller's word.
    let views = unsafe { &mut *VIEWS.0.get() };
    let services = region
        .services()
        .iter()
        .flat_map(|entry| (0..entry.clients).map(move |_| entry));
    let mut offset = 0;
    let mut made = 0;
    for ((view, state), service) in views.iter_mut().zip(region.channels()).zip(services) {
        // SAFETY: the sum of the channels' bytes is what the layout has room for; applications change them as they like,
        // and all of it is atomic words here.
        let channel = unsafe { ChannelView::from_raw(state, base.add(offset), service) }?;
        view.write(channel);
        offset += channel_bytes(service.ring_bytes as usize);
        made += 1;
    }
    // SAFETY: that many were written above, and nobody writes them again.
    Some(unsafe { core::slice::from_raw_parts(views.as_ptr().cast(), made) })
}
