//! The image: what a port needs to run an app, as tables.
#![allow(unsafe_code)]

use offsched_abi::channel::channel_bytes;
use offsched_abi::image::Needs;
use offsched_abi::region::{NAME_BYTES, ServiceEntry, name_bytes};

use crate::Core;
use crate::channel::ChannelDecl;
use crate::task::{Node, State, Task};

/// What the core does when it has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IdlePolicy {
    /// Look at the clock and at the channels, again and again: releases are seen within nanoseconds. (The bare port
    /// halts all the same under a hypervisor, where a core that polls takes time from Linux's; an idle function keeps
    /// its turns.)
    #[default]
    Poll,
    /// Sleep until the next release, an alarm or a doorbell: takes no time and no power, and longer to wake up.
    Halt,
}

/// An app's tables: what a port needs to run it.
#[derive(Clone, Copy)]
pub struct Image<'a> {
    /// The app's name.
    pub name: &'static str,
    /// The core's words.
    pub core: &'a Core,
    /// The tasks. A task's index here is its number everywhere.
    pub tasks: &'a [Task],
    /// As many nodes as the tasks need together.
    pub nodes: &'a [Node],
    /// As many as there are tasks.
    pub states: &'a [State],
    /// The channels that applications can bind.
    pub channels: &'a [ChannelDecl],
    /// Runs on the core before the first release: fills the resources.
    ///
    /// # Safety
    /// Called by the executive only, before any task.
    pub init: unsafe fn(&Core),
    /// What the core does when it has nothing to do.
    pub idle_policy: IdlePolicy,
    /// One turn of the app's idle function: again and again, or once before each sleep.
    ///
    /// # Safety
    /// Called by the executive only, at the idle level, never twice at once.
    pub idle: Option<unsafe fn(&Core)>,
    /// Runs on the core after the last task: drops resources and messages.
    ///
    /// # Safety
    /// Called by the executive only, once after `init`.
    pub drop: unsafe fn(&Core),
}

/// An app, as `#[offsched::app]` declares it: a type by which ports run it.
///
/// # Safety
/// The image's tables and functions belong together, and to no other core: the run functions take what their own tasks
/// were given, ceilings are no lower than any user's level, and levels are those that the ceilings were computed from.
/// Ports run any `App` in safe code, so this is what they rely on; the attribute writes the implementation.
pub unsafe trait App: 'static {
    /// The app's name.
    const NAME: &'static str;
    /// The app's tables.
    fn image() -> &'static Image<'static>;
}

/// What tables like these ask of a region: known before the app runs.
///
/// # Panics
/// If a service's name is longer than a region takes; in a constant that is a compile error.
pub const fn needs(tasks: &[Task], channels: &[ChannelDecl]) -> Needs {
    let mut needs = Needs {
        services: channels.len(),
        channels: 0,
        tasks: tasks.len(),
        channel_bytes: 0,
    };
    let mut at = 0;
    while at < channels.len() {
        assert!(
            channels[at].service.len() <= NAME_BYTES,
            "a service's name has at most 32 bytes: include the service under a shorter one"
        );
        let clients = channels[at].clients as usize;
        needs.channels += clients;
        needs.channel_bytes += (clients * channel_bytes(channels[at].ring_bytes as usize)) as u64;
        at += 1;
    }
    needs
}

/// The entries of a region's service table, in the order of the declarations.
///
/// # Errors
/// The name of a service that no entry can hold: longer than
/// [`NAME_BYTES`](offsched_abi::region::NAME_BYTES), or with a zero in it.
pub fn service_entries(
    channels: &[ChannelDecl],
) -> impl Iterator<Item = Result<ServiceEntry, &'static str>> {
    channels.iter().scan(0, |first, channel| {
        let first_channel = *first;
        *first += u32::from(channel.clients);
        Some(
            name_bytes(channel.service)
                .ok_or(channel.service)
                .map(|name| channel.entry(name, first_channel)),
        )
    })
}
