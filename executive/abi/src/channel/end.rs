//! The two ends of a channel: the same rings and wake words, seen from either side.

use crate::channel::{ChannelState, ChannelView, Phase, WAKE_MAIL, WAKE_ROOM};
use crate::ring::{Consumer, Producer, RecvError, SendError};
use crate::sync::{AtomicU32, Ordering, fence};

/// Frames went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the other side may have asked for its doorbell"]
pub struct Sent {
    /// The other side asked to be rung: do it now.
    pub ring_doorbell: bool,
}

/// What an application sleeps for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A frame to receive.
    Mail,
    /// Room for a frame of so many bytes.
    Room(usize),
    /// Either.
    Either(usize),
}

/// What the core finds when it looks at a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// No client.
    Closed,
    /// There was a client at the last look; it is gone (a new one, if any, is found by the next).
    Lost,
    /// A new client, now attached to.
    Opened,
    /// The same client as at the last look.
    Open,
}

/// What both ends do.
struct End<'a> {
    state: &'a ChannelState,
    tx: Producer<'a>,
    rx: Consumer<'a>,
    own: &'a AtomicU32,
    other: &'a AtomicU32,
    /// The epoch attached to; 0: none.
    epoch: u16,
    /// The other side is an application: the core never waits for room.
    other_waits_for_room: bool,
    /// Room was given back since the last look at whether the other side waits for it.
    gave_room: bool,
    /// Frames were published since the last look at whether the other side wants its doorbell.
    owes_look: bool,
}

impl End<'_> {
    #[inline]
    fn is_open(&self) -> bool {
        self.epoch != 0 && self.state.is_open_in(self.epoch)
    }

    /// After a publication: does the other side want its doorbell for `kind`? Takes the request
    /// back if so. What is taken back may be another request than the one seen; it is answered too,
    /// or it would be lost.
    #[inline]
    fn wanted(&self, kind: u32) -> bool {
        fence(Ordering::SeqCst);
        self.other.load(Ordering::Relaxed) & kind != 0 && self.other.swap(0, Ordering::Relaxed) != 0
    }

    #[inline]
    fn push(&mut self, payload: &[u8]) -> Result<(), SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        self.tx
            .push(payload)
            .map_err(|error| self.unless_closed(error))
    }

    /// A reset during the call can make an honest peer's words look impossible.
    #[inline]
    fn unless_closed(&self, error: SendError) -> SendError {
        match error {
            SendError::PeerCorrupt if !self.is_open() => SendError::Closed,
            error => error,
        }
    }

    #[inline(always)]
    fn publish(&mut self) {
        self.owes_look |= self.tx.publish();
    }

    #[inline(always)]
    fn flush(&mut self) -> Sent {
        // (With news, what is owed stays so: the next time there are none it is one look too many.)
        let looks = self.tx.publish() || core::mem::take(&mut self.owes_look);
        let ring_doorbell = looks && {
            // One look for both: a fence costs as much as the rest.
            let kinds = match core::mem::take(&mut self.gave_room) {
                true => WAKE_MAIL | WAKE_ROOM,
                false => WAKE_MAIL,
            };
            self.wanted(kinds)
        };
        Sent { ring_doorbell }
    }

    fn send_batch(&mut self, payloads: &[&[u8]]) -> Result<(usize, Sent), SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        let pushed = self.tx.push_batch(payloads);
        self.sent(pushed)
    }

    #[inline(always)]
    fn send_equal(&mut self, bytes: &[u8], size: usize) -> Result<(usize, Sent), SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        let pushed = self.tx.push_equal(bytes, size);
        self.sent(pushed)
    }

    #[inline(always)]
    fn publish_equal(&mut self, bytes: &[u8], size: usize) -> Result<usize, SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        let pushed = self.tx.push_equal(bytes, size);
        self.publish();
        pushed.map_err(|error| self.unless_closed(error))
    }

    /// Publishes, if something was pushed: with an error in hand nobody could ring, and the request would be lost.
    #[inline(always)]
    fn sent(&mut self, pushed: Result<usize, SendError>) -> Result<(usize, Sent), SendError> {
        match pushed {
            Ok(count) => Ok((count, self.flush())),
            Err(error) => Err(self.unless_closed(error)),
        }
    }

    #[inline(always)]
    fn recv_equal(&mut self, out: &mut [u8], size: usize) -> Result<usize, RecvError> {
        if !self.is_open() {
            return Err(RecvError::Closed);
        }
        let taken = self.rx.pop_equal(out, size);
        let count = taken.map_err(|error| self.unless_reset(error))?;
        Ok(self.received(count))
    }

    #[inline]
    fn recv(&mut self, buf: &mut [u8]) -> Result<usize, RecvError> {
        if !self.is_open() {
            return Err(RecvError::Closed);
        }
        let len = self.rx.pop(buf).map_err(|error| self.unless_reset(error))?;
        Ok(self.received(len))
    }

    fn recv_batch(
        &mut self,
        buf: &mut [u8],
        count: usize,
        each: impl FnMut(&[u8]),
    ) -> Result<usize, RecvError> {
        if !self.is_open() {
            return Err(RecvError::Closed);
        }
        let taken = self.rx.pop_batch(buf, count, each);
        let count = taken.map_err(|error| self.unless_reset(error))?;
        Ok(self.received(count))
    }

    /// Gives room back, if it is time. Whether the other side waits for it is looked at later, outside the way from a
    /// message to its answer: by the next send, or by [`CoreEnd::room_wanted`].
    #[inline]
    fn received(&mut self, len: usize) -> usize {
        self.gave_room |= self.rx.publish_if_due() && self.other_waits_for_room;
        len
    }

    fn skip(&mut self) -> Result<usize, RecvError> {
        if !self.is_open() {
            return Err(RecvError::Closed);
        }
        let len = self.rx.skip().map_err(|error| self.unless_reset(error))?;
        Ok(self.received(len))
    }

    #[inline]
    fn unless_reset(&self, error: RecvError) -> RecvError {
        match error {
            RecvError::PeerCorrupt if !self.is_open() => RecvError::Closed,
            error => error,
        }
    }

    fn sleep_until(&mut self, wait: Wait) -> bool {
        let (kinds, room) = match wait {
            Wait::Mail => (WAKE_MAIL, None),
            Wait::Room(len) => (WAKE_ROOM, Some(len)),
            Wait::Either(len) => (WAKE_MAIL | WAKE_ROOM, Some(len)),
        };
        // Both sides change the word by read-modify-write only, so its changes form one chain: the
        // other side's taking back of an earlier request cannot come out after this one.
        self.own.swap(kinds, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !self.is_open() {
            // The request stands: whoever opens the channel meanwhile is to ring.
            return false;
        }
        let now = self.tx.is_corrupt()
            || (kinds & WAKE_MAIL != 0 && self.rx.has_mail())
            || room.is_some_and(|len| self.tx.has_room(len) || self.tx.is_corrupt());
        if now {
            self.awake();
        }
        !now
    }

    fn awake(&self) {
        self.own.swap(0, Ordering::Relaxed);
    }

    fn attach(&mut self, epoch: u16) {
        self.epoch = epoch;
        self.gave_room = false;
        self.owes_look = false;
        self.tx.reattach(epoch);
        self.rx.reattach(epoch);
    }
}

macro_rules! end {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<'a> {
            end: End<'a>,
        }

        impl $name<'_> {
            /// Sends one frame.
            ///
            /// # Errors
            /// Any [`SendError`]; nothing was sent.
            #[inline]
            pub fn try_send(&mut self, payload: &[u8]) -> Result<Sent, SendError> {
                self.end.push(payload)?;
                Ok(self.end.flush())
            }

            /// Writes one frame without publishing it: [`flush`](Self::flush) follows, once for
            /// many.
            ///
            /// # Errors
            /// Any [`SendError`]; nothing was written.
            #[inline]
            pub fn push(&mut self, payload: &[u8]) -> Result<(), SendError> {
                self.end.push(payload)
            }

            /// Publishes what was pushed, and looks whether the other side asked for its doorbell since the last look.
            #[inline]
            pub fn flush(&mut self) -> Sent {
                self.end.flush()
            }

            /// Sends frames from the front of `payloads`, in one publication, until one does not
            /// go in; returns how many went.
            ///
            /// # Errors
            /// Any [`SendError`] if not even the first went in.
            pub fn send_batch(&mut self, payloads: &[&[u8]]) -> Result<(usize, Sent), SendError> {
                self.end.send_batch(payloads)
            }

            /// As [`send_batch`](Self::send_batch), for messages of `size` bytes (not 0) that lie one behind the other
            /// in `bytes`. With a size that is known where this is compiled it is the fastest way to send.
            ///
            /// # Errors
            /// Any [`SendError`] if not even the first went in.
            #[inline(always)]
            pub fn send_equal(
                &mut self,
                bytes: &[u8],
                size: usize,
            ) -> Result<(usize, Sent), SendError> {
                self.end.send_equal(bytes, size)
            }

            /// As [`send_equal`](Self::send_equal), without the look at whether the other side asked for its doorbell, which
            /// takes a fence: one that looks by itself sees the messages at once, one that sleeps does not wake.
            /// [`flush`](Self::flush) follows before this side turns to something else: once for a stream of batches.
            ///
            /// # Errors
            /// Any [`SendError`] if not even the first went in.
            #[inline(always)]
            pub fn publish_equal(&mut self, bytes: &[u8], size: usize) -> Result<usize, SendError> {
                self.end.publish_equal(bytes, size)
            }

            /// Receives frames of exactly `size` bytes (not 0), one behind the other, into `out`, and gives their room
            /// back in one publication; returns how many: as many as `out` has room for, up to the first of another
            /// length. The fastest way to receive, as with [`send_equal`](Self::send_equal).
            ///
            /// # Errors
            /// Any [`RecvError`] if not even one was received.
            #[inline(always)]
            pub fn recv_equal(
                &mut self,
                out: &mut [u8],
                size: usize,
            ) -> Result<usize, RecvError> {
                self.end.recv_equal(out, size)
            }

            /// Receives one frame into the front of `buf` and returns its length.
            ///
            /// # Errors
            /// Any [`RecvError`]; a frame that does not fit stays.
            #[inline]
            pub fn try_recv(&mut self, buf: &mut [u8]) -> Result<usize, RecvError> {
                self.end.recv(buf)
            }

            /// Receives up to `count` frames, each through `buf` into `each`, and gives their room
            /// back in one publication; returns how many.
            ///
            /// # Errors
            /// Any [`RecvError`] if not even one was received.
            pub fn recv_batch(
                &mut self,
                buf: &mut [u8],
                count: usize,
                each: impl FnMut(&[u8]),
            ) -> Result<usize, RecvError> {
                self.end.recv_batch(buf, count, each)
            }

            /// Drops the next frame unread and returns its length.
            ///
            /// # Errors
            /// Any [`RecvError`] but `BufferTooSmall`.
            pub fn skip(&mut self) -> Result<usize, RecvError> {
                self.end.skip()
            }

            /// Takes the request for the doorbell back: this side looks by itself again.
            pub fn awake(&self) {
                self.end.awake();
            }

            /// True if the channel is open in the epoch that this end is attached to.
            #[inline]
            pub fn is_open(&self) -> bool {
                self.end.is_open()
            }

            /// True if a frame waits, or the ring is found damaged, so that a receive has
            /// something to say.
            #[inline]
            pub fn has_mail(&mut self) -> bool {
                self.end.rx.has_mail()
            }

            /// The epoch that this end is attached to; 0: none.
            #[inline]
            pub fn epoch(&self) -> u16 {
                self.end.epoch
            }

            /// True after the other side was caught lying, until the channel's next opening.
            pub fn is_corrupt(&self) -> bool {
                self.end.tx.is_corrupt() || self.end.rx.is_corrupt()
            }

            /// How often the other side was caught lying.
            pub fn corruptions(&self) -> u32 {
                self.end.tx.corruptions().saturating_add(self.end.rx.corruptions())
            }

            /// The longest payload in bytes that can be sent.
            pub fn max_frame(&self) -> usize {
                self.end.tx.max_frame()
            }
        }
    };
}

end! {
    /// The core's end. Attached to nothing until [`look`](Self::look) finds a client.
    CoreEnd
}

end! {
    /// The application's end, for one epoch.
    AppEnd
}

impl<'a> CoreEnd<'a> {
    /// The core's end of a channel. One at a time: two would garble the rings (no worse).
    pub fn new(view: ChannelView<'a>) -> Self {
        Self {
            end: End {
                state: view.state,
                tx: Producer::attach(view.from_core, 0),
                rx: Consumer::attach(view.to_core, 0),
                own: &view.control.core.wants,
                other: &view.control.app.wants,
                epoch: 0,
                other_waits_for_room: true,
                gave_room: false,
                owes_look: false,
            },
        }
    }

    /// True if [`look`](Self::look) would find another client than the last time.
    #[inline]
    pub fn changed(&self) -> bool {
        let (phase, epoch) = self.end.state.load();
        let now = if phase == Phase::Open { epoch } else { 0 };
        now != self.end.epoch
    }

    /// Asks the application for the doorbell and looks for mail once more. True: nothing there, so sleep, and call
    /// [`awake`](Self::awake) afterwards. False: do not sleep, there is something to do (or the channel is closed or
    /// corrupt); nothing is asked for. The core never sleeps for room: who does not take its messages must not keep it.
    pub fn sleep_until_mail(&mut self) -> bool {
        self.end.sleep_until(Wait::Mail)
    }

    /// True if the application waits for room that was given back since the last look at that: ring it. A send looks
    /// too; who receives and does not send asks here before it turns to something else.
    #[inline]
    pub fn room_wanted(&mut self) -> bool {
        core::mem::take(&mut self.end.gave_room) && self.end.wanted(WAKE_ROOM)
    }

    /// Looks at the state word and takes up a new client, forgetting the last one's rings.
    #[inline]
    pub fn look(&mut self) -> Link {
        let (phase, epoch) = self.end.state.load();
        let open = phase == Phase::Open && epoch != 0;
        if open && epoch == self.end.epoch {
            return Link::Open;
        }
        if self.end.epoch != 0 {
            self.end.attach(0);
            return Link::Lost;
        }
        if !open {
            return Link::Closed;
        }
        self.end.attach(epoch);
        Link::Opened
    }
}

impl<'a> AppEnd<'a> {
    /// The application's end of a channel that Linux's side opened in `epoch`.
    pub fn new(view: ChannelView<'a>, epoch: u16) -> Self {
        Self {
            end: End {
                state: view.state,
                tx: Producer::attach(view.to_core, epoch),
                rx: Consumer::attach(view.from_core, epoch),
                own: &view.control.app.wants,
                other: &view.control.core.wants,
                epoch,
                other_waits_for_room: false,
                gave_room: false,
                owes_look: false,
            },
        }
    }

    /// Asks the core for the doorbell and looks once more. True: nothing there, so sleep, and call
    /// [`awake`](Self::awake) afterwards. False: do not sleep, there is something to do (or the channel is closed or
    /// corrupt); nothing is asked for.
    pub fn sleep_until(&mut self, wait: Wait) -> bool {
        self.end.sleep_until(wait)
    }
}
