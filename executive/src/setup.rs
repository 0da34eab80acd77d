//! What a run of a core is given, how it can be refused, and how it ends.

use core::ops::Range;

use offsched_abi::channel::ChannelView;
use offsched_abi::telemetry::{CoreTelemetry, TaskTelemetry};

use crate::ceiling::LEVEL_MAX;
use crate::image::Image;
use crate::mail::CHANNEL_DECLS_MAX;
use crate::port::Port;
use crate::task::{NONE, OnMiss, Release};
#[cfg(doc)]
use crate::{Core, time::Scale};

/// Where the core publishes what it does.
#[derive(Clone, Copy)]
pub struct Memory<'a> {
    /// The core's own telemetry.
    pub core: &'a CoreTelemetry,
    /// One for each task of the image, in its order.
    pub tasks: &'a [TaskTelemetry],
}

/// What a port brings besides itself.
#[derive(Clone)]
pub struct Setup<'a> {
    /// The port.
    pub port: &'a dyn Port,
    /// The addresses of the stack that [`Core::run`] is called on: code on it is code on this core.
    pub stack: Range<usize>,
    /// Cycles a second of the port's counter.
    pub hz: u64,
    /// Two looks of the polling idle loop further apart than this many ns are a gap.
    pub gap_ns: u64,
    /// Where to publish.
    pub memory: Memory<'a>,
    /// One for each place of the image's channels, in the order of the declarations.
    pub channels: &'a [ChannelView<'a>],
}

/// Why a core's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Asked to stop.
    Stopped,
    /// A task whose policy is `stop` missed its deadline; its index.
    Missed(u16),
}

/// Why a core did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// This app already runs, in this address space.
    AlreadyRunning,
    /// The counter's frequency is outside [`Scale::HZ_RANGE`].
    BadFrequency(u64),
    /// The stack that the port named is not the one that it runs the core on.
    OtherStack,
    /// The image's tables contradict each other: what is wrong with them.
    BadImage(&'static str),
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::AlreadyRunning => {
                f.write_str("the app already runs in this process: stop it first")
            }
            Self::BadFrequency(hz) => write!(
                f,
                "a counter of {hz} Hz cannot be scaled: it must tick at 1 MHz to 100 GHz"
            ),
            Self::OtherStack => f.write_str(
                "the port runs the core on another stack than it says: pass the bounds of the caller's own",
            ),
            Self::BadImage(what) => write!(f, "the image contradicts itself: {what}"),
        }
    }
}

impl core::error::Error for StartError {}

/// Finds what would make the tables index each other wrongly.
pub(crate) fn check(image: &Image<'_>, setup: &Setup<'_>) -> Result<(), StartError> {
    let wrong = |what| Err(StartError::BadImage(what));
    if image.tasks.len() >= usize::from(NONE) || image.nodes.len() >= usize::from(NONE) {
        return wrong("more than 65,534 tasks or nodes");
    }
    if image.states.len() != image.tasks.len() || setup.memory.tasks.len() < image.tasks.len() {
        return wrong("a task without state or telemetry");
    }
    let places: usize = image
        .channels
        .iter()
        .map(|channel| usize::from(channel.clients))
        .sum();
    if image.channels.len() > CHANNEL_DECLS_MAX
        || places > usize::from(NONE)
        || setup.channels.len() != places
    {
        return wrong("the port brought another number of channels than the image declares");
    }
    for channel in image.channels {
        match image
            .tasks
            .get(usize::from(channel.task))
            .map(|task| (task.release, task.capacity))
        {
            Some((Release::Event { .. }, 1)) if channel.clients > 0 => {}
            _ => {
                return wrong(
                    "a channel without clients, or whose task is no event task of capacity 1",
                );
            }
        }
    }
    let mut node = 0usize;
    for task in image.tasks {
        if !(1..=LEVEL_MAX).contains(&task.level) {
            return wrong("a task's level is outside 1..=63");
        }
        if !task.measure
            && (task.budget_ns.is_some()
                || task.deadline.is_some_and(|_| task.on_miss == OnMiss::Stop))
        {
            return wrong("a task that is not measured has a budget, or is to stop on a miss");
        }
        if matches!(task.release, Release::Periodic { period_us: 0, .. }) {
            return wrong("a period of zero");
        }
        if usize::from(task.first_node) != node || task.nodes() == 0 {
            return wrong("the nodes do not follow the tasks");
        }
        node += usize::from(task.nodes());
    }
    if node != image.nodes.len() {
        wrong("the number of nodes is not what the tasks need")
    } else {
        Ok(())
    }
}
