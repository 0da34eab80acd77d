//! The memory of an app's channels, in this process, and the way in for handlers that play a client.

use std::sync::atomic::AtomicU64;

use offsched::Image;
use offsched::abi::channel::{ChannelState, ChannelView, ControlPage, ring_data_bytes};
use offsched::abi::ring::WORD_BYTES;

use crate::access;

/// A view of each place of an image's channels, in the order of the declarations; nobody has them yet.
///
/// Their memory is never given back, so that a handler can keep its end from one call to the next: a few pages for
/// each run of an app with channels, in a test.
pub(crate) fn places(image: &Image<'_>) -> Vec<ChannelView<'static>> {
    let mut places = Vec::new();
    for channel in image.channels {
        let words = ring_data_bytes(channel.ring_bytes as usize) / WORD_BYTES;
        let data = || Box::leak((0..words).map(|_| AtomicU64::new(0)).collect::<Box<[_]>>());
        for _ in 0..channel.clients {
            let state = Box::leak(Box::new(ChannelState::new()));
            let control = Box::leak(Box::new(ControlPage::new()));
            let view = ChannelView::from_parts(state, control, data(), data());
            places.extend(view.and_then(|view| view.of_sizes(channel.sizes())));
        }
    }
    places
}

/// A client's view of a place (counted over all channels of the app, in the order of the declarations), for handlers
/// of [`Config::call_at`](crate::Config::call_at) that play Linux's side. `None` outside of a run, or when there is no
/// such place.
pub fn channel(place: usize) -> Option<ChannelView<'static>> {
    access::here()?.channels.get(place).copied()
}

/// Rings the core's doorbell, when a send has said so. For the same handlers; does nothing outside of a run.
pub fn doorbell() {
    if let Some(machine) = access::here() {
        access::doorbell(&machine);
    }
}
