//! What an application asks the node for, and what it is answered: fixed-size messages, the same
//! for the kernel's device and the hosted socket.
//!
//! ```text
//!   open     -> an unbound handle (a connection)
//!   hello    -> the region, read-only
//!   bind     -> a channel of a service: its pages, a wake-up to wait on, a doorbell to ring
//!   close    -> the channel is free again
//! ```
//! On the socket, file descriptors travel beside an answer, in the order of the [`Reply`]'s
//! documentation. The kernel's device has calls of its own for the same ([`Bind`]).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::ABI_VERSION;
use crate::header::LAYOUT_HASH;
use crate::region::NAME_BYTES;

/// First word of every request and reply: "osch" in ASCII, little endian.
pub const NODE_MAGIC: u32 = u32::from_le_bytes(*b"osch");

/// Operation: give me the region.
pub const OP_HELLO: u32 = 1;
/// Operation: bind this handle to the service named.
pub const OP_BIND: u32 = 2;

/// A request. All words little endian.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Request {
    /// [`NODE_MAGIC`].
    pub magic: u32,
    /// [`ABI_VERSION`] of the sender.
    pub abi_version: u32,
    /// [`LAYOUT_HASH`] of the sender.
    pub layout_hash: u64,
    /// `OP_*`.
    pub op: u32,
    /// Zero.
    pub reserved: u32,
    /// The service's name, padded with zeros; all zero unless the operation is [`OP_BIND`].
    pub name: [u8; NAME_BYTES],
    /// The identity of the messages that the sender will send; 0: whatever it is.
    pub rx_type: u64,
    /// The identity of those that it expects; 0: whatever it is.
    pub tx_type: u64,
}

impl Request {
    /// A request of this program's version.
    pub fn new(op: u32, name: [u8; NAME_BYTES]) -> Self {
        Self {
            magic: NODE_MAGIC,
            abi_version: ABI_VERSION,
            layout_hash: LAYOUT_HASH,
            op,
            reserved: 0,
            name,
            rx_type: 0,
            tx_type: 0,
        }
    }

    /// The operation, if the request is one that this version can serve.
    ///
    /// # Errors
    /// The status to answer with.
    pub fn check(&self) -> Result<u32, Status> {
        if self.magic != NODE_MAGIC || self.reserved != 0 {
            return Err(Status::Malformed);
        }
        if self.abi_version != ABI_VERSION || self.layout_hash != LAYOUT_HASH {
            return Err(Status::WrongVersion);
        }
        if self.op != OP_BIND && (self.name, self.rx_type, self.tx_type) != ([0; NAME_BYTES], 0, 0)
        {
            return Err(Status::Malformed);
        }
        Ok(self.op)
    }
}

/// How a request fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// Not a request, or not one that this version knows.
    Malformed = 1,
    /// Another ABI version or layout; the reply says which the node has.
    WrongVersion = 2,
    /// No service of that name.
    NoService = 3,
    /// All channels of the service are taken.
    AllTaken = 4,
    /// This handle is bound already.
    AlreadyBound = 5,
    /// The core is not running; the reply says what it is.
    CoreGone = 6,
    /// The node has too many handles open, or is out of memory or descriptors.
    NoResources = 7,
    /// The service's messages are of other types than the sender's.
    WrongType = 8,
    /// The service is for other users.
    NotAllowed = 9,
}

impl Status {
    /// The status of a word; a word that is none is malformed.
    pub fn from_word(word: u32) -> Self {
        [
            Self::Ok,
            Self::WrongVersion,
            Self::NoService,
            Self::AllTaken,
            Self::AlreadyBound,
            Self::CoreGone,
            Self::NoResources,
            Self::WrongType,
            Self::NotAllowed,
        ]
        .into_iter()
        .find(|status| *status as u32 == word)
        .unwrap_or(Self::Malformed)
    }
}

/// The answer to a request. All words little endian.
///
/// Descriptors beside it: hello: the region (read-only). Bind: the channel's pages, the wake-up
/// (an eventfd that the core rings), the doorbell (one that the application rings). Else none.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Reply {
    /// [`NODE_MAGIC`].
    pub magic: u32,
    /// [`ABI_VERSION`] of the node.
    pub abi_version: u32,
    /// [`LAYOUT_HASH`] of the node.
    pub layout_hash: u64,
    /// A [`Status`].
    pub status: u32,
    /// Hello, core gone: the core's [`State`](crate::header::State).
    pub core_state: u32,
    /// The core's epoch.
    pub core_epoch: u32,
    /// Bind: the service's index.
    pub service: u32,
    /// Bind: the channel's index.
    pub channel: u32,
    /// Bind: the epoch that the channel is open in.
    pub channel_epoch: u32,
}

impl Reply {
    /// A reply of this program's version; the rest is zero.
    pub fn new(status: Status) -> Self {
        Self {
            magic: NODE_MAGIC,
            abi_version: ABI_VERSION,
            layout_hash: LAYOUT_HASH,
            status: status as u32,
            core_state: 0,
            core_epoch: 0,
            service: 0,
            channel: 0,
            channel_epoch: 0,
        }
    }
}

/// Calls of the kernel's device that applications use, as `devnode/kmod/offsched.h` has them.
pub mod call {
    /// The type byte of all its calls.
    pub const TYPE: u8 = 0xf7;
    /// About which CPU the handle is; reads and writes a `u32`.
    pub const ATTACH: u8 = 0;
    /// What the module knows of the core; writes a [`CoreStatus`](super::CoreStatus).
    pub const STATUS: u8 = 5;
    /// Binds the handle; reads and writes a [`Bind`](super::Bind).
    pub const BIND: u8 = 6;
    /// Wakes the core to look at its channels.
    pub const RING: u8 = 7;
    /// Closes the channel; the handle stays, hung up.
    pub const CLOSE: u8 = 8;
    /// For [`ATTACH`]: the first CPU whose image runs, else the first whose image has run.
    pub const ANY_CPU: u32 = u32::MAX;
}

/// A binding asked of the kernel's device, and its answer in the same words.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct Bind {
    /// [`ABI_VERSION`] of the sender; of the image, if that is why it was refused.
    pub abi_version: u32,
    /// [`BIND_WAIT`] or 0.
    pub flags: u32,
    /// [`LAYOUT_HASH`] of the sender.
    pub layout_hash: u64,
    /// The service's name, padded with zeros.
    pub name: [u8; NAME_BYTES],
    /// Answer: the service's index.
    pub service: u32,
    /// Answer: the channel's index.
    pub channel: u32,
    /// Answer: the epoch that the channel is open in.
    pub channel_epoch: u32,
    /// Answer: the core's epoch.
    pub core_epoch: u32,
    /// Answer: the core's CPU.
    pub cpu: u32,
    /// With [`BIND_WAIT`]: at most so long, ms; 0: as long as it takes.
    pub wait_ms: u32,
    /// The identity of the messages that the sender will send; 0: whatever it is.
    pub rx_type: u64,
    /// The identity of those that it expects; 0: whatever it is.
    pub tx_type: u64,
    /// Answer: where mmap finds the channel's pages.
    pub offset: u64,
    /// Answer: their bytes.
    pub bytes: u64,
}

/// For [`Bind::flags`]: wait until a channel is free.
pub const BIND_WAIT: u32 = 1;

impl Bind {
    /// A request of this program's version.
    pub fn new(name: [u8; NAME_BYTES]) -> Self {
        Self {
            abi_version: ABI_VERSION,
            layout_hash: LAYOUT_HASH,
            name,
            ..Self::default()
        }
    }
}

/// What the kernel's device knows of a core.
#[repr(C)]
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
pub struct CoreStatus {
    /// The CPU.
    pub cpu: u32,
    /// A [`Stage`](crate::load::Stage).
    pub state: u32,
    /// Starts of cores on this CPU.
    pub epoch: u32,
    /// Zero.
    pub reserved: u32,
    /// Bytes of shared memory.
    pub shared_bytes: u64,
    /// Bytes of it that everybody may see, from the start.
    pub public_bytes: u64,
}

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<Bind>() == 104 && offset_of!(Bind, service) == 48);
    assert!(offset_of!(Bind, rx_type) == 72 && offset_of!(Bind, offset) == 88);
    assert!(size_of::<CoreStatus>() == 32 && offset_of!(CoreStatus, shared_bytes) == 16);
};
