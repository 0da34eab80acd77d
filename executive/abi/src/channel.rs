//! A channel: one application's pair of rings with one service, in pages of its own.
//!
//! ```text
//!          opens, closes            looks at it before every operation
//!  Linux  ---------------> ChannelState <----------------  core, application (both read only)
//!          core's end  ==== ring from the core ====>  application's end
//!                      <=== ring to the core   =====
//!                      <---- wake words, both ---->
//! ```
//!
//! # Who may write what
//! The [`ChannelState`] is in the region, which applications map read-only: only Linux's side
//! writes it, so an application cannot fake a reset. Everything in the channel's own pages may be
//! scribbled over by the application; the core's end believes none of it ([`crate::ring`]).
//!
//! # Open, close, reset
//! ```text
//!           (1) open(epoch + 1)          (2) close            (3) retire
//!   Free  --------------------> Open  ------------> Closing ------------> Free
//! ```
//! Every opening has a new epoch, and ring words of another epoch read as empty. So neither the
//! pages need the core's consent to be reused, nor does a store that the core makes late, from
//! before it noticed, reach the next client. The core's end works in the epoch it attached to,
//! refuses every operation when the state shows another ([`SendError::Closed`]), and takes up a
//! new one only in [`CoreEnd::look`], so that an answer to one client never goes to the next. The
//! application's end lives for one epoch.
//!
//! A peer that died with a grant open leaves nothing behind: grants are private to its half.
//!
//! # Doorbells
//! A side that will not look by itself says so ([`AppEnd::sleep_until`],
//! [`CoreEnd::sleep_until_mail`]: store its wake word; SeqCst fence; look at the ring once more;
//! only then sleep). The other side, after each publication (SeqCst fence; load the wake word),
//! rings if asked to and takes the request back; after giving room back the core does so with its
//! next send or [`CoreEnd::room_wanted`], and an application never, because the core does not
//! wait for room. The request is taken back, so one sleep costs one doorbell. One of the two fences comes first, so either the sleeper
//! sees the frame or the sender sees the sleeper: no wake-up is lost. A freshly opened channel
//! asks for the core's doorbell until the core says otherwise.
//!
//! [`SendError::Closed`]: crate::ring::SendError::Closed

mod end;
mod pages;
mod state;

pub use end::{AppEnd, CoreEnd, Link, Sent, Wait};
pub use pages::{ChannelView, ControlPage, Sizes, WakeLine, channel_bytes, ring_data_bytes};
pub use state::{ChannelState, EPOCH_MAX, Phase};

/// Wake word bit: ring when a frame was published to me.
pub const WAKE_MAIL: u32 = 1;
/// Wake word bit: ring when room was given back to me.
pub const WAKE_ROOM: u32 = 2;
