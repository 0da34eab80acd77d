//! What generated code uses. Not for people: the attributes write it, and it
//! changes with them.

pub use crate::ceiling::LEVEL_MAX;
pub use offsched_abi::message::{Message, MessageType};

pub use crate::channel::{Channel, ChannelCell, ChannelDecl, ChannelSlot};
pub use crate::core::Core;
pub use crate::image::{App, Image};
pub use crate::inbox::{Inbox, InboxView};
pub use crate::lock::{Lock, Slot};
pub use crate::spawn::Spawner;
pub use crate::task::{Job, Node, OnMiss, Release, State, Task};
