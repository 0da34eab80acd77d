//! A service's channel: the core's ends of all its clients' rings.
//!
//! Which task mail releases, and when, is [`mail`](crate::mail)'s.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::marker::PhantomData;

use offsched_abi::channel::{ChannelView, CoreEnd, Link, Sizes};
use offsched_abi::message::MessageType;
use offsched_abi::region::{NAME_BYTES, ServiceEntry};
use offsched_abi::ring::{RecvError, SendError};
use offsched_abi::telemetry::add;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::Core;
use crate::lock::Slot;

/// One client of a channel, for as long as it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientId {
    index: u16,
    epoch: u16,
}

impl ClientId {
    /// The client in place `index` since the channel's opening number `epoch`. For tests and simulators: whoever makes
    /// one up can at most be told [`SendError::Closed`].
    pub const fn new(index: u16, epoch: u16) -> Self {
        Self { index, epoch }
    }

    /// Which of the channel's places the client has, from 0.
    pub fn index(&self) -> usize {
        usize::from(self.index)
    }
}

/// What a channel's task finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail<Rx> {
    /// A client has bound the service.
    Opened(ClientId),
    /// A client's message.
    Message(ClientId, Rx),
    /// A ring that its client damaged; or a message of the wrong size, dropped, where messages have headers: those of no bytes,
    /// and in images that state no types.
    Bad(ClientId),
    /// The client is gone; sends to it fail from now on.
    Closed(ClientId),
}

/// One client's place.
struct Place {
    end: CoreEnd<'static>,
    /// A damaged ring has been reported.
    damaged: bool,
}

/// The core's ends of one channel: receives `Rx`, sends `Tx`.
///
/// Both are plain data: any bytes that a client writes are a valid `Rx`.
pub struct Channel<Rx, Tx> {
    core: &'static Core,
    places: &'static mut [Option<Place>],
    /// Number of the first place among all the image's channels.
    first: u16,
    cursor: usize,
    _messages: PhantomData<fn(Rx) -> Tx>,
    /// Not to leave the core.
    _here: PhantomData<*const ()>,
}

impl<Rx: FromBytes + IntoBytes, Tx: IntoBytes + Immutable> Channel<Rx, Tx> {
    /// The next piece of mail, taking the clients in turn. `None`: nothing now.
    /// One call looks at each client at most once; a task takes a bounded
    /// number of pieces and ends, the rest releases it again.
    pub fn recv(&mut self) -> Option<Mail<Rx>> {
        for _ in 0..self.places.len() {
            let index = self.cursor;
            // (A division would take as long as the rest of an empty look.)
            self.cursor = if index + 1 < self.places.len() {
                index + 1
            } else {
                0
            };
            let mail = self.recv_from(index);
            if mail.is_some() {
                return mail;
            }
            // All taken: now there is time for a client that waits for the room.
            self.look_at(index, |_| false);
        }
        None
    }

    fn recv_from(&mut self, index: usize) -> Option<Mail<Rx>> {
        let place = self.places[index].as_mut()?;
        let before = ClientId {
            index: index as u16,
            epoch: place.end.epoch(),
        };
        match place.end.look() {
            Link::Closed => return None,
            Link::Lost => return Some(Mail::Closed(before)),
            Link::Opened => {
                place.damaged = false;
                place.end.awake();
                return Some(Mail::Opened(ClientId {
                    epoch: place.end.epoch(),
                    ..before
                }));
            }
            Link::Open => {}
        }
        let mut message = Rx::new_zeroed();
        let mail = match receive(&mut place.end, &mut message) {
            Ok(_) => return Some(Mail::Message(before, message)),
            Err(RecvError::OtherLength { .. }) => {
                let _ = place.end.skip();
                Mail::Bad(before)
            }
            Err(RecvError::PeerCorrupt) if !place.damaged => {
                place.damaged = true;
                Mail::Bad(before)
            }
            // (BufferTooSmall is not of this call.)
            Err(_) => return None,
        };
        add(&self.core.bound().memory.core.bad_messages, 1);
        Some(mail)
    }

    /// Receives further messages of a client into the front of `messages`, giving their room back together; returns
    /// how many came. It ends before what is not a message of this channel, or no more this client's:
    /// [`recv`](Self::recv) tells of that. The fastest way to receive many.
    pub fn recv_msgs(&mut self, from: ClientId, messages: &mut [Rx]) -> usize {
        const {
            assert!(
                size_of::<Rx>() > 0,
                "messages of no bytes come one at a time"
            )
        };
        let Some(place) = self.place(from) else {
            return 0;
        };
        let taken = place
            .end
            .recv_equal(messages.as_mut_bytes(), size_of::<Rx>());
        taken.unwrap_or(0)
    }

    /// Sends messages from the front of `messages` to a client, in one publication, as long as there is room; returns
    /// how many went. The fastest way to send many.
    ///
    /// # Errors
    /// As for [`send`](Self::send), if not even the first went.
    pub fn send_msgs(&mut self, to: ClientId, messages: &[Tx]) -> Result<usize, SendError> {
        const { assert!(size_of::<Tx>() > 0, "messages of no bytes go one at a time") };
        let place = self.place(to).ok_or(SendError::Closed)?;
        let sent = place.end.send_equal(messages.as_bytes(), size_of::<Tx>());
        let (count, sent) = sent?;
        if sent.ring_doorbell {
            self.ring(to.index());
        }
        Ok(count)
    }

    /// Sends a message to a client.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent. `Closed` if that client is gone, even
    /// when its place has been taken by another.
    pub fn send(&mut self, to: ClientId, message: &Tx) -> Result<(), SendError> {
        self.push(to, message)?;
        self.flush(to);
        Ok(())
    }

    /// Writes a message without publishing it: [`flush`](Self::flush) follows,
    /// once for many.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn push(&mut self, to: ClientId, message: &Tx) -> Result<(), SendError> {
        let place = self.place(to).ok_or(SendError::Closed)?;
        place.end.push(message.as_bytes())
    }

    /// Publishes what was pushed to a client.
    pub fn flush(&mut self, to: ClientId) {
        if let Some(place) = self.place(to)
            && place.end.flush().ring_doorbell
        {
            self.ring(to.index());
        }
    }

    /// The client's place, while it is the client's.
    fn place(&mut self, client: ClientId) -> Option<&mut Place> {
        let place = self.places.get_mut(client.index())?.as_mut()?;
        (place.end.epoch() == client.epoch).then_some(place)
    }
}

impl<Rx, Tx> Channel<Rx, Tx> {
    /// The executive's look at a client, which is rung if it waits for room that a job gave back.
    #[inline(always)]
    fn look_at(&mut self, client: usize, look: impl FnOnce(&mut Place) -> bool) -> bool {
        let Some(Some(place)) = self.places.get_mut(client) else {
            return false;
        };
        let wanted = place.end.room_wanted();
        let found = look(place);
        if wanted {
            self.ring(client);
        }
        found
    }

    fn ring(&self, index: usize) {
        self.core.bound().port.ring(self.first + index as u16);
    }
}

/// Receives a message of exactly its size; that is known here, so the words go where they belong one by one.
#[inline(always)]
fn receive<Rx: FromBytes + IntoBytes>(
    end: &mut CoreEnd<'_>,
    message: &mut Rx,
) -> Result<usize, RecvError> {
    let bytes = message.as_mut_bytes();
    match bytes.len() {
        0 => end.try_recv(bytes).map_err(|error| match error {
            RecvError::BufferTooSmall { needed } => RecvError::OtherLength { found: needed },
            error => error,
        }),
        size => end.recv_equal(bytes, size),
    }
}

/// What the executive does with a channel without knowing its messages.
pub trait ChannelSlot: Sync {
    /// Makes the ends. One view for each of the channel's places.
    ///
    /// # Safety
    /// On the core, before `init`, once until [`detach`](Self::detach); `core`
    /// and the views stay valid until then.
    unsafe fn attach(&self, core: &'static Core, first: u16, views: &[ChannelView<'static>]);

    /// Forgets the ends.
    ///
    /// # Safety
    /// On the core, after the image's `drop`, once after [`attach`](Self::attach).
    unsafe fn detach(&self);

    /// True if the client has something for the channel's task.
    ///
    /// # Safety
    /// On the core, while nobody holds the channel's lock.
    unsafe fn has_mail(&self, client: usize) -> bool;

    /// Rings the clients that wait for room that jobs gave back.
    ///
    /// # Safety
    /// As for [`has_mail`](Self::has_mail).
    unsafe fn tell_of_room(&self);

    /// Asks all clients for their doorbell; true if one has mail already.
    ///
    /// # Safety
    /// As for [`has_mail`](Self::has_mail).
    unsafe fn ask(&self) -> bool;

    /// Takes the request for the doorbell back from all clients.
    ///
    /// # Safety
    /// As for [`has_mail`](Self::has_mail).
    unsafe fn awake(&self);
}

/// The static home of a channel with `N` places.
pub struct ChannelCell<Rx, Tx, const N: usize> {
    places: UnsafeCell<[Option<Place>; N]>,
    channel: Slot<Channel<Rx, Tx>>,
}

// SAFETY: reached on the core only: by tasks through a Lock of `slot()`, and by the executive while no such lock is
// held (ChannelSlot's contracts). Messages are plain data.
unsafe impl<Rx, Tx, const N: usize> Sync for ChannelCell<Rx, Tx, N> {}

impl<Rx, Tx, const N: usize> ChannelCell<Rx, Tx, N> {
    /// A channel with no clients.
    pub const fn new() -> Self {
        Self {
            places: UnsafeCell::new([const { None }; N]),
            channel: Slot::new(),
        }
    }

    /// The channel as a resource.
    pub const fn slot(&self) -> &Slot<Channel<Rx, Tx>> {
        &self.channel
    }

    /// The ends, while nobody holds the channel's lock.
    ///
    /// # Safety
    /// As for [`ChannelSlot::has_mail`], after `attach`.
    #[allow(clippy::mut_from_ref)]
    unsafe fn places(&self) -> &mut [Option<Place>] {
        // SAFETY: attached, and exclusive by the caller's word.
        unsafe { self.channel.get().places }
    }
}

impl<Rx, Tx, const N: usize> Default for ChannelCell<Rx, Tx, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Rx, Tx, const N: usize> ChannelSlot for ChannelCell<Rx, Tx, N> {
    unsafe fn attach(&self, core: &'static Core, first: u16, views: &[ChannelView<'static>]) {
        // SAFETY: before init nobody else uses the places; from here on they are reached through the slot only.
        let places: &'static mut [Option<Place>; N] = unsafe { &mut *self.places.get() };
        for (place, view) in places.iter_mut().zip(views) {
            *place = Some(Place {
                end: CoreEnd::new(*view),
                damaged: false,
            });
        }
        let channel = Channel {
            core,
            places,
            first,
            cursor: 0,
            _messages: PhantomData,
            _here: PhantomData,
        };
        // SAFETY: before init nobody else uses the slot.
        unsafe { self.channel.write(channel) };
    }

    unsafe fn detach(&self) {
        // SAFETY: attached and unused by the caller's word.
        unsafe {
            self.places().iter_mut().for_each(|place| *place = None);
            self.channel.drop_in_place();
        }
    }

    unsafe fn has_mail(&self, client: usize) -> bool {
        // SAFETY: attached, and exclusive by the caller's word.
        unsafe { self.channel.get() }.look_at(client, Place::has_mail)
    }

    unsafe fn tell_of_room(&self) {
        // SAFETY: attached, and exclusive by the caller's word.
        let channel = unsafe { self.channel.get() };
        (0..channel.places.len()).for_each(|client| _ = channel.look_at(client, |_| false));
    }

    unsafe fn ask(&self) -> bool {
        // SAFETY: attached, and exclusive by the caller's word.
        let channel = unsafe { self.channel.get() };
        (0..channel.places.len()).fold(false, |mail, client| {
            mail | channel.look_at(client, |place| {
                !place.end.sleep_until_mail() && place.has_mail()
            })
        })
    }

    unsafe fn awake(&self) {
        // SAFETY: the caller's contract is ours.
        unsafe { self.places() }
            .iter()
            .flatten()
            .for_each(|place| place.end.awake());
    }
}

impl Place {
    /// Something for the channel's task: a change of client, or a message.
    #[inline]
    fn has_mail(&mut self) -> bool {
        if self.end.changed() {
            return true;
        }
        !self.damaged && self.end.is_open() && self.end.has_mail()
    }
}

/// A channel in an image's table.
#[derive(Clone, Copy)]
pub struct ChannelDecl {
    /// The name that applications bind.
    pub service: &'static str,
    /// Applications that may be bound at a time.
    pub clients: u16,
    /// Data bytes of each ring.
    pub ring_bytes: u32,
    /// The task that mail releases.
    pub task: u16,
    /// The channel.
    pub slot: &'static dyn ChannelSlot,
    /// Bytes of a message to the core.
    pub rx_size: u32,
    /// Bytes of a message from the core.
    pub tx_size: u32,
    /// What a message to the core is.
    pub rx_type: MessageType,
    /// What a message from the core is.
    pub tx_type: MessageType,
}

impl ChannelDecl {
    /// How the messages lie in the rings of its channels, as its region's entry says.
    pub fn sizes(&self) -> Sizes {
        self.entry([0; NAME_BYTES], 0).sizes()
    }

    /// Its entry in a region's service table.
    pub(crate) fn entry(&self, name: [u8; NAME_BYTES], first_channel: u32) -> ServiceEntry {
        ServiceEntry {
            name,
            clients: u32::from(self.clients),
            ring_bytes: self.ring_bytes,
            rx_size: self.rx_size,
            tx_size: self.tx_size,
            first_channel,
            reserved: 0,
            rx_type: self.rx_type,
            tx_type: self.tx_type,
        }
    }
}
