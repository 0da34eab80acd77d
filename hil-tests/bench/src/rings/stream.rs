//! Messages one way, from the caller to a thread on the core's CPU.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offsched::abi::channel::{AppEnd, ChannelState, ChannelView, ControlPage, CoreEnd, Sizes};

use super::Pair;
use super::far::{Apart, beside};
use crate::clock::now;
use crate::series::{BATCH, BATCHES, Book, Timing};

const LINE_BYTES: usize = 64;

/// A channel in the process's own memory.
#[repr(align(128))]
pub struct Parts {
    state: ChannelState,
    control: Box<ControlPage>,
    to_core: Vec<AtomicU64>,
    from_core: Vec<AtomicU64>,
    sizes: Sizes,
}

impl Parts {
    /// With rings of so many bytes, for messages of `size` bytes.
    pub fn new(ring_bytes: usize, size: usize) -> Self {
        let ring = || {
            let words = std::iter::repeat_with(AtomicU64::default);
            words.take((ring_bytes + LINE_BYTES) / 8).collect()
        };
        Self {
            sizes: Sizes {
                to_core: size,
                from_core: size,
            },
            state: ChannelState::new(),
            control: Box::default(),
            to_core: ring(),
            from_core: ring(),
        }
    }

    /// Both ends, attached to each other. `None` for rings that are too small.
    pub fn ends(&self) -> Option<(AppEnd<'_>, CoreEnd<'_>)> {
        let [to_core, from_core] = [&self.to_core, &self.from_core].map(|ring| from_a_line(ring));
        let view = ChannelView::from_parts(&self.state, &self.control, to_core, from_core)?
            .of_sizes(self.sizes)?;
        let epoch = view.open()?;
        let mut core = CoreEnd::new(view);
        core.look();
        core.awake();
        Some((AppEnd::new(view, epoch), core))
    }
}

/// A ring's data begin with a page; here at least with a cache line.
fn from_a_line(words: &[AtomicU64]) -> &[AtomicU64] {
    let ahead = words.as_ptr().align_offset(LINE_BYTES);
    &words[ahead..words.len() - (LINE_BYTES / 8 - ahead)]
}

/// Sends from here as fast as it goes and times it where it is received: a sample is the time between two looks that
/// complete `each` messages, for one message. What either side writes lies [apart](Apart) from what the other touches, if
/// `send` and `receive` own it.
pub fn stream(
    book: &mut Book,
    id: &'static str,
    pair: Pair,
    each: usize,
    send: impl FnMut(),
    receive: impl FnMut() -> usize + Send,
) -> Result<(), String> {
    if !book.wants(&[id]) {
        return Ok(());
    }
    let (mut send, mut receive) = (Apart(send), Apart(receive));
    let mut stamps = Apart(Vec::with_capacity(BATCHES * BATCH + 1));
    let done = Apart(AtomicBool::new(false));
    let far = |end: &AtomicBool| {
        let (mut got, mut next) = (0, each);
        while stamps.0.len() < stamps.0.capacity() && !end.load(Ordering::Relaxed) {
            got += (receive.0)();
            if got >= next {
                stamps.0.push((now(), got));
                next = got + each;
            }
        }
        done.0.store(true, Ordering::Relaxed);
    };
    beside(pair, far, || {
        while !done.0.load(Ordering::Relaxed) {
            (send.0)();
        }
    })?;
    if let Some(series) = book.series(id, Timing::Exact) {
        series.add_stamps(&stamps.0);
    }
    Ok(())
}
