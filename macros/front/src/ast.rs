//! What was parsed: an app or a service, as declarations with the places where they were written.

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, Ident, Item, Path, Type, Visibility};

use crate::time::Time;

/// Highest level of a task; idle is level 0.
pub const LEVEL_MAX: u8 = 63;

/// Apps and services are parsed alike; a few rules and the expansion differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `#[offsched::app]`
    App,
    /// `#[offsched::service]`
    Service,
}

/// One annotated module.
pub struct Unit {
    /// App or service.
    pub kind: Kind,
    /// Attributes of the module.
    pub attrs: Vec<Attribute>,
    /// Visibility of the module.
    pub vis: Visibility,
    /// Name of the module.
    pub name: Ident,
    /// The user's items, without the helper attributes and without the channels' struct.
    pub items: Vec<Item>,
    /// The `#[shared]` struct.
    pub shared: Option<Resources>,
    /// The `#[local]` struct.
    pub local: Option<Resources>,
    /// The `#[channels]` struct's fields.
    pub channels: Vec<Channel>,
    /// The `#[init]` function.
    pub init: Option<Ident>,
    /// The `#[idle]` function.
    pub idle: Option<Idle>,
    /// The tasks, in the order in which they are written: that order numbers them.
    pub tasks: Vec<Task>,
    /// Only the declarations, function bodies emptied: what a service forwards to the apps that include it.
    pub declarations: TokenStream,
}

/// A struct of resources.
pub struct Resources {
    /// Name of the struct.
    pub name: Ident,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// One resource.
pub struct Field {
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
}

/// One channel.
pub struct Channel {
    /// Its name.
    pub name: Ident,
    /// Its whole type, `Channel<Rx, Tx>`.
    pub ty: Type,
    /// Type of the messages to the core.
    pub rx: Type,
    /// Type of the messages from the core.
    pub tx: Type,
    /// How many applications can be bound at once.
    pub clients: u16,
    /// Bytes of each direction's ring.
    pub ring_bytes: u32,
}

/// The idle function.
pub struct Idle {
    /// Its name.
    pub name: Ident,
    /// What it uses.
    pub uses: Uses,
}

/// One task.
pub struct Task {
    /// Name of the function.
    pub name: Ident,
    /// Its level, as declared: an app adds a service's base.
    pub priority: u8,
    /// What releases it.
    pub release: Release,
    /// Deadline in microseconds; the default is already filled in.
    pub deadline_us: Option<u32>,
    /// Budget.
    pub budget: Option<Time>,
    /// Release jitter in microseconds.
    pub jitter_us: u32,
    /// What a miss does.
    pub on_miss: OnMiss,
    /// Jobs that may wait.
    pub capacity: u16,
    /// Whether clocks are read for its jobs.
    pub measure: bool,
    /// What it uses.
    pub uses: Uses,
    /// Names and types of the payload.
    pub payload: Vec<Field>,
}

/// What releases a task.
pub enum Release {
    /// Time.
    Periodic {
        /// Microseconds.
        period_us: u32,
        /// Microseconds, below the period.
        offset_us: u32,
    },
    /// Other tasks.
    Event {
        /// Microseconds; 0: no limit.
        min_interval_us: u32,
    },
    /// Mail on a channel.
    Channel {
        /// The channel.
        name: Ident,
        /// Microseconds; 0: no limit.
        min_interval_us: u32,
    },
}

/// What a missed deadline does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMiss {
    /// It is counted.
    Count,
    /// It is counted, and the releases that passed meanwhile are skipped.
    Skip,
    /// It is counted, and the core stops.
    Stop,
}

/// Resources and channels of one function.
#[derive(Default)]
pub struct Uses {
    /// `shared = [..]`
    pub shared: Vec<SharedUse>,
    /// `local = [..]`
    pub local: Vec<LocalUse>,
    /// `channels = [..]` and `channel = ..`
    pub channels: Vec<ChannelUse>,
}

/// One entry of `shared = [..]`.
pub struct SharedUse {
    /// The resource.
    pub name: Ident,
    /// `&name`: read without a lock.
    pub read_only: bool,
    /// `name(2us)`: the longest hold.
    pub hold: Option<Time>,
}

/// One entry of `local = [..]`.
pub enum LocalUse {
    /// A field of the `#[local]` struct.
    Late(Ident),
    /// Declared in place.
    Declared {
        /// Its name.
        name: Ident,
        /// Its type.
        ty: Box<Type>,
        /// Its initial value.
        value: Box<Expr>,
    },
}

/// One entry of `channels = [..]`.
pub struct ChannelUse {
    /// The channel.
    pub name: Ident,
    /// The longest hold.
    pub hold: Option<Time>,
}

/// The arguments of `#[offsched::app(..)]`.
#[derive(Default)]
pub struct AppArgs {
    /// Overhead charged for each job.
    pub overhead: Option<Time>,
    /// The services to include.
    pub services: Vec<ServiceUse>,
    /// What the core does when it has nothing to do.
    pub idle: IdlePolicy,
}

/// What the core does when it has nothing to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdlePolicy {
    /// Look again.
    #[default]
    Poll,
    /// Sleep.
    Halt,
}

/// One included service.
pub struct ServiceUse {
    /// Name of the instance.
    pub name: Ident,
    /// The service.
    pub path: Path,
    /// Added to the service's priorities.
    pub base: u8,
    /// Where the base is written, or else the name.
    pub base_at: proc_macro2::Span,
}

impl LocalUse {
    /// The name by which the function sees it.
    pub fn name(&self) -> &Ident {
        match self {
            LocalUse::Late(name) | LocalUse::Declared { name, .. } => name,
        }
    }
}

impl Task {
    /// True for a task that others release with a payload.
    pub fn is_event(&self) -> bool {
        matches!(self.release, Release::Event { .. })
    }

    /// Releases that may wait at once, as the executive counts them in nodes.
    pub fn nodes(&self) -> u16 {
        if self.is_event() { self.capacity } else { 1 }
    }
}

impl Unit {
    /// Everything that uses resources: its level and its uses.
    pub fn users(&self) -> impl Iterator<Item = (u8, &Uses)> {
        let tasks = self.tasks.iter().map(|t| (t.priority, &t.uses));
        tasks.chain(self.idle.iter().map(|i| (0, &i.uses)))
    }

    /// The functions that use resources, by name.
    pub fn functions(&self) -> impl Iterator<Item = (&Ident, &Uses)> {
        let tasks = self.tasks.iter().map(|t| (&t.name, &t.uses));
        tasks.chain(self.idle.iter().map(|i| (&i.name, &i.uses)))
    }

    /// The level to which locking a shared resource raises the system, before a base is added.
    pub fn ceiling(&self, shared: &Ident) -> u8 {
        let users = self.users();
        let locks = users.filter(|(_, u)| u.shared.iter().any(|s| s.name == *shared));
        locks.map(|(level, _)| level).max().unwrap_or(0)
    }

    /// The same for a channel.
    pub fn channel_ceiling(&self, channel: &Ident) -> u8 {
        let users = self.users();
        let locks = users.filter(|(_, u)| u.channels.iter().any(|c| c.name == *channel));
        locks.map(|(level, _)| level).max().unwrap_or(0)
    }
}
