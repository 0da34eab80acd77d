//! Messages one way, from the caller to a thread on the core's CPU.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offsched::abi::channel::{AppEnd, ChannelState, ChannelView, ControlPage, CoreEnd};

use super::{Pair, far};
use crate::clock::now;
use crate::series::{BATCH, BATCHES, Book, Timing};

/// A channel in the process's own memory.
pub struct Parts {
    state: ChannelState,
    control: Box<ControlPage>,
    to_core: Vec<AtomicU64>,
    from_core: Vec<AtomicU64>,
}

impl Parts {
    /// With rings of so many bytes.
    pub fn new(ring_bytes: usize) -> Self {
        let ring = || {
            let words = std::iter::repeat_with(AtomicU64::default);
            words.take(ring_bytes / 8).collect()
        };
        Self {
            state: ChannelState::new(),
            control: Box::default(),
            to_core: ring(),
            from_core: ring(),
        }
    }

    /// Both ends, attached to each other. `None` for rings that are too small.
    pub fn ends(&self) -> Option<(AppEnd<'_>, CoreEnd<'_>)> {
        let view =
            ChannelView::from_parts(&self.state, &self.control, &self.to_core, &self.from_core)?;
        let epoch = view.open()?;
        let mut core = CoreEnd::new(view);
        core.look();
        core.awake();
        Some((AppEnd::new(view, epoch), core))
    }
}

/// Sends from here as fast as it goes and times it where it is received: a sample is the time between two looks that
/// complete `each` messages, for one message.
pub fn stream(
    book: &mut Book,
    id: &'static str,
    pair: Pair,
    each: usize,
    mut send: impl FnMut(),
    mut receive: impl FnMut() -> usize + Send,
) -> Result<(), String> {
    if !book.wants(&[id]) {
        return Ok(());
    }
    let mut stamps = Vec::with_capacity(BATCHES * BATCH + 1);
    let done = AtomicBool::new(false);
    let far = |end: &AtomicBool| {
        let (mut got, mut next) = (0, each);
        while stamps.len() < stamps.capacity() && !end.load(Ordering::Relaxed) {
            got += receive();
            if got >= next {
                stamps.push((now(), got));
                next = got + each;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    far::beside(pair, far, || {
        while !done.load(Ordering::Relaxed) {
            send();
        }
    })?;
    if let Some(series) = book.series(id, Timing::Exact) {
        series.add_stamps(&stamps);
    }
    Ok(())
}
