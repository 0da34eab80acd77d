//! The image: what a port needs to run an app, as tables.
#![allow(unsafe_code)]

use crate::Core;
use crate::channel::ChannelDecl;
use crate::task::{Node, State, Task};

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
    /// One turn of the app's idle function.
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
