//! What lies around a hosted core: where it publishes, whom it rings.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use offsched::{ChannelDecl, Memory};
use offsched_abi::channel::{ChannelState, ChannelView, ControlPage, Sizes, ring_data_bytes};
use offsched_abi::log::LogRings;
use offsched_abi::ring::WORD_BYTES;
use offsched_abi::telemetry::{CoreTelemetry, TaskTelemetry};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::{Outcome, TimeFacts};

/// What lies around a hosted core. The hosted device implements it over its
/// shared region; [`Telemetry`] is the one for programs without a device.
///
/// `ring` and `console` are called on the core thread at any level, inside a
/// signal handler too: they must be async-signal-safe and must not block.
///
/// A panic in `memory`, `channels` or `starting` before init is an
/// [`Error::Boundary`](crate::Error::Boundary), one in `started`, `ring` or
/// `console` a crash like an app's own, and one in `ended` is printed and
/// changes nothing.
pub trait Boundary: Send + Sync + 'static {
    /// Where the core publishes; as many tasks as the app has, or more.
    fn memory(&self) -> Memory<'_>;

    /// The places of the app's channels, in the order of their declarations.
    fn channels(&self) -> Vec<ChannelView<'_>>;

    /// Where the core's logs go; by default nowhere.
    fn logs(&self) -> Option<&LogRings> {
        None
    }

    /// Rings Linux's doorbell for a channel.
    fn ring(&self, _channel: u16) {}

    /// Writes to the emergency console. By default the standard output, as
    /// far as it takes bytes at once; the others are lost, and counted in
    /// [`CoreTelemetry::console_lost`]. (If others fill the same pipe between
    /// the look and the write, the core waits for its reader nevertheless.)
    fn console(&self, bytes: &[u8]) {
        let lost = write_at_once(rustix::stdio::stdout(), bytes);
        if lost > 0 {
            // A job may interrupt another one here.
            let counter = &self.memory().core.console_lost;
            counter.fetch_add(lost as u64, Ordering::Relaxed);
        }
    }

    /// On the core thread, before init.
    fn starting(&self, _time: &TimeFacts) {}

    /// On the core thread, after init: the first release is next.
    fn started(&self) {}

    /// On the core thread, after the last job. The outcome shows already;
    /// [`Running::join`](crate::Running::join) returns after this.
    fn ended(&self, _outcome: &Outcome) {}
}

/// Writes what can be written without waiting; returns how many bytes were
/// left. What a [`Boundary::console`] to a file of its own is made of.
pub fn write_at_once(file: BorrowedFd<'_>, bytes: &[u8]) -> usize {
    // A pipe that is ready takes so many bytes as a whole (PIPE_BUF is more).
    const PIECE: usize = 512;
    let at_once = Timespec::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut ready = [PollFd::from_borrowed_fd(file, PollFlags::OUT)];
        let written = match poll(&mut ready, Some(&at_once)) {
            Ok(1..) => rustix::io::write(file, &rest[..rest.len().min(PIECE)]),
            other => other.map(|_| 0),
        };
        match written {
            Ok(written @ 1..) => rest = &rest[written..],
            Err(Errno::INTR) => {}
            // The console is a last resort: it has nobody to tell why a write failed.
            Ok(0) | Err(_) => break,
        }
    }
    rest.len()
}

/// Telemetry in the process's own memory, with nobody to ring.
#[derive(Debug)]
pub struct Telemetry {
    core: CoreTelemetry,
    tasks: Vec<TaskTelemetry>,
    channels: Vec<PrivateChannel>,
    logs: Box<LogRings>,
}

/// A place that nobody can bind.
#[derive(Debug, Default)]
struct PrivateChannel {
    state: ChannelState,
    control: Box<ControlPage>,
    to_core: Vec<AtomicU64>,
    from_core: Vec<AtomicU64>,
    sizes: Sizes,
}

impl PrivateChannel {
    fn new(channel: &ChannelDecl) -> Self {
        let words = ring_data_bytes(channel.ring_bytes as usize) / WORD_BYTES;
        let ring = || {
            std::iter::repeat_with(AtomicU64::default)
                .take(words)
                .collect()
        };
        Self {
            to_core: ring(),
            from_core: ring(),
            sizes: channel.sizes(),
            ..Self::default()
        }
    }

    fn view(&self) -> Option<ChannelView<'_>> {
        ChannelView::from_parts(&self.state, &self.control, &self.to_core, &self.from_core)?
            .of_sizes(self.sizes)
    }
}

impl Telemetry {
    /// For an app: telemetry of its tasks, and places of its channels that nobody can bind.
    pub fn of<A: offsched::App>() -> Self {
        let image = A::image();
        let places = image
            .channels
            .iter()
            .flat_map(|channel| (0..channel.clients).map(|_| PrivateChannel::new(channel)));
        Self {
            core: CoreTelemetry::default(),
            tasks: image
                .tasks
                .iter()
                .map(|_| TaskTelemetry::default())
                .collect(),
            channels: places.collect(),
            logs: Box::default(),
        }
    }

    /// The core's own.
    pub fn core(&self) -> &CoreTelemetry {
        &self.core
    }

    /// The tasks', in the app's order.
    pub fn tasks(&self) -> &[TaskTelemetry] {
        &self.tasks
    }
}

impl Boundary for Telemetry {
    fn memory(&self) -> Memory<'_> {
        Memory {
            core: &self.core,
            tasks: &self.tasks,
        }
    }

    fn channels(&self) -> Vec<ChannelView<'_>> {
        // The attribute made sure that messages fit their rings, so no place is lost here.
        self.channels
            .iter()
            .filter_map(PrivateChannel::view)
            .collect()
    }

    fn logs(&self) -> Option<&LogRings> {
        Some(&self.logs)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn a_full_pipe_loses_bytes_and_does_not_block() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let sent = vec![7; 1 << 20];
        let lost = write_at_once(writer.as_fd(), &sent);
        assert!((1..sent.len()).contains(&lost), "{lost}");
        assert_eq!(write_at_once(writer.as_fd(), b"more"), 4);
        drop(writer);
        let mut received = Vec::new();
        reader.read_to_end(&mut received).unwrap();
        assert_eq!(received.len(), sent.len() - lost);
    }
}
