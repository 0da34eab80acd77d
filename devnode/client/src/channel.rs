//! A bound channel.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use offsched_abi::channel::{AppEnd, Wait};
use offsched_abi::header::State;
use offsched_abi::region::ServiceEntry;
use offsched_abi::ring::{RecvError, SendError};
use rustix::fs::Timespec;
use rustix::io::Errno;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

use crate::device::Device;
use crate::error::Error;
use crate::map::ChannelMap;
use crate::node::{Event, Grant, Target};

/// Fruitless calls in a row after which the device itself is asked whether it still lives: a
/// program killed outright leaves "running" in the header.
const FRUITLESS_MAX: u32 = 4096;

/// Which messages a service takes, bytes: for as long as its image runs, so read once.
#[derive(Clone, Copy)]
struct Takes {
    exactly: Option<usize>,
    max: usize,
}

impl Takes {
    fn of(grant: &Grant, map: &ChannelMap) -> Self {
        let entry = map.region().region().services().get(grant.service);
        Self {
            exactly: entry.and_then(ServiceEntry::rx_exactly),
            max: entry.map_or(0, |entry| entry.rx_size as usize),
        }
    }
}

/// A channel to a service. Dropping it frees it for others.
///
/// One thread at a time sends or receives; give each thread a channel of its own.
pub struct Channel {
    device: Device,
    target: Target,
    grant: Grant,
    map: ChannelMap,
    takes: Takes,
    /// Calls in a row that found nothing to receive or no room.
    fruitless: u32,
}

impl Channel {
    pub(crate) fn new(device: Device, target: Target, grant: Grant, map: ChannelMap) -> Self {
        let takes = Takes::of(&grant, &map);
        Self {
            device,
            target,
            grant,
            map,
            takes,
            fruitless: 0,
        }
    }

    /// The name that was bound.
    pub fn service(&self) -> &str {
        &self.target.service
    }

    /// Index of the channel among all of the device.
    pub fn index(&self) -> usize {
        self.grant.channel
    }

    /// The longest message to the core that the service takes, bytes.
    pub fn max_send(&self) -> usize {
        self.takes.max
    }

    /// Binds the service again, after the core was restarted or the channel closed or damaged.
    /// Messages under way are lost. On an error the channel is as before, but unbound.
    ///
    /// # Errors
    /// As [`Device::bind`].
    pub fn rebind(&mut self) -> Result<(), Error> {
        // First give the old one back: it may be the service's only one.
        self.hang_up();
        let (grant, map) = self.device.grant(&self.target, Duration::ZERO)?;
        self.takes = Takes::of(&grant, &map);
        (self.grant, self.map, self.fruitless) = (grant, map, 0);
        Ok(())
    }

    /// Frees the channel and returns when the device has done it. Dropping the channel frees it
    /// too, without waiting.
    pub fn close(mut self) {
        self.hang_up();
    }

    fn hang_up(&mut self) {
        self.map.cut_off();
        self.grant.line.hang_up();
    }

    /// Sends a message if there is room.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::TooLong`], [`Error::WrongLength`], [`Error::CoreGone`],
    /// [`Error::Closed`], [`Error::Corrupt`].
    pub fn try_send(&mut self, message: &[u8]) -> Result<(), Error> {
        self.check_len(message)?;
        let result = self.call(|end| end.try_send(message));
        let sent = self.sent(result, message.len())?;
        self.ring_if(sent.ring_doorbell);
        Ok(())
    }

    /// Sends messages from the front of `messages`, in one publication, as long as there is room;
    /// returns how many went.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send), if not even the first went.
    pub fn send_batch(&mut self, messages: &[&[u8]]) -> Result<usize, Error> {
        for message in messages {
            self.check_len(message)?;
        }
        let result = self.call(|end| end.send_batch(messages));
        let (count, sent) = self.sent(result, messages.first().map_or(0, |m| m.len()))?;
        self.ring_if(sent.ring_doorbell);
        Ok(count)
    }

    /// Sends a message, waiting for room as long as it takes.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send), but never full.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        loop {
            match self.try_send(message) {
                Err(Error::Full) => self.wait(Wait::Room(message.len()), None)?,
                result => return result,
            };
        }
    }

    /// Receives a message into the front of `buf` and returns its length; `None` if none waits.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], [`Error::CoreGone`], [`Error::Closed`], [`Error::Corrupt`].
    pub fn try_recv(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Error> {
        let result = self.call(|end| end.try_recv(buf));
        self.received(result)
    }

    /// As [`try_recv`](Self::try_recv), sleeping until there is a message.
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv).
    pub fn recv(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        loop {
            if let Some(len) = self.try_recv(buf)? {
                return Ok(len);
            }
            self.wait(Wait::Mail, None)?;
        }
    }

    /// As [`try_recv`](Self::try_recv), sleeping until there is a message or `timeout` has passed
    /// (`None`).
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv).
    pub fn recv_timeout(
        &mut self,
        buf: &mut [u8],
        timeout: Duration,
    ) -> Result<Option<usize>, Error> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if let Some(len) = self.try_recv(buf)? {
                return Ok(Some(len));
            }
            if !self.wait(Wait::Mail, deadline)? {
                return self.try_recv(buf);
            }
        }
    }

    /// Sends values from the front of `messages`, in one publication, as long as there is room; returns how many went.
    /// The fastest way to send many.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send), if not even the first went.
    pub fn try_send_msgs<T: IntoBytes + Immutable>(
        &mut self,
        messages: &[T],
    ) -> Result<usize, Error> {
        const { assert!(size_of::<T>() > 0, "messages of no bytes go one at a time") };
        let size = size_of::<T>();
        self.check_size(size)?;
        let result = self.call(|end| end.send_equal(messages.as_bytes(), size));
        let (count, sent) = self.sent(result, size)?;
        self.ring_if(sent.ring_doorbell);
        Ok(count)
    }

    /// As [`try_send_msgs`](Self::try_send_msgs), but a core that sleeps is not woken before the ring is full:
    /// [`flush`](Self::flush) does that, once for as many calls as one likes, and so does everything else here that sends
    /// or waits. A core that looks by itself sees the messages at once. For streams: the look whether the core sleeps
    /// takes a memory fence.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send), if not even the first went.
    pub fn publish_msgs<T: IntoBytes + Immutable>(
        &mut self,
        messages: &[T],
    ) -> Result<usize, Error> {
        const { assert!(size_of::<T>() > 0, "messages of no bytes go one at a time") };
        let size = size_of::<T>();
        self.check_size(size)?;
        let result = self.call(|end| end.publish_equal(messages.as_bytes(), size));
        if result.is_ok_and(|count| count < messages.len()) {
            self.flush();
        }
        self.sent(result, size)
    }

    /// Wakes the core for what [`publish_msgs`](Self::publish_msgs) sent, if it sleeps.
    pub fn flush(&mut self) {
        let sent = self.call(|end| end.flush());
        self.ring_if(sent.ring_doorbell);
    }

    /// Receives values into the front of `messages`, giving their room back together; returns how many came. The fastest
    /// way to receive many.
    ///
    /// # Errors
    /// [`Error::NotThatType`] if the next message has another length (it stays), and those of
    /// [`try_recv`](Self::try_recv).
    pub fn try_recv_msgs<T: FromBytes + IntoBytes>(
        &mut self,
        messages: &mut [T],
    ) -> Result<usize, Error> {
        const {
            assert!(
                size_of::<T>() > 0,
                "messages of no bytes come one at a time"
            )
        };
        let size = size_of::<T>();
        let result = self.call(|end| end.recv_equal(messages.as_mut_bytes(), size));
        Ok(self.received(result)?.unwrap_or(0))
    }

    /// Sends a value's bytes, waiting for room.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_msg<T: IntoBytes + Immutable + ?Sized>(
        &mut self,
        message: &T,
    ) -> Result<(), Error> {
        self.send(message.as_bytes())
    }

    /// Receives a value, waiting up to `timeout`; `None` if none came.
    ///
    /// # Errors
    /// [`Error::NotThatType`], and those of [`recv_timeout`](Self::recv_timeout).
    pub fn recv_msg<T>(&mut self, timeout: Duration) -> Result<Option<T>, Error>
    where
        T: TryFromBytes + KnownLayout + Immutable,
    {
        let mut buf = vec![0; self.buffer_bytes().max(size_of::<T>())];
        let Some(len) = self.recv_timeout(&mut buf, timeout)? else {
            return Ok(None);
        };
        let value = T::try_read_from_bytes(&buf[..len]);
        value.map(Some).map_err(|_| Error::NotThatType { len })
    }

    /// Before polling [`as_fd`](AsFd::as_fd) in an event loop of one's own: asks the core to ring.
    /// False if there is a message already (or the channel is gone): receive instead of sleeping.
    pub fn prepare_poll(&mut self) -> bool {
        self.prepare(Wait::Mail)
    }

    /// As [`prepare_poll`](Self::prepare_poll), for whatever is waited for.
    pub(crate) fn prepare(&mut self, wait: Wait) -> bool {
        self.flush();
        self.grant.line.heard();
        self.call(|end| end.sleep_until(wait))
    }

    /// After a sleep that was prepared: takes the request for the doorbell back.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    #[cfg(feature = "tokio")]
    pub(crate) fn awake(&mut self) -> Result<(), Error> {
        self.call(|end| end.awake());
        self.check()
    }

    /// What becomes readable when the device is gone, if that is another descriptor than the one that becomes readable
    /// when the core rang. If it is the same, it tells of room too, by becoming writable.
    #[cfg(feature = "tokio")]
    pub(crate) fn handle(&self) -> Option<BorrowedFd<'_>> {
        self.grant.line.handle()
    }

    /// An error if the core is gone or the channel closed, asking the device too.
    ///
    /// # Errors
    /// [`Error::CoreGone`], [`Error::Closed`].
    pub fn check(&mut self) -> Result<(), Error> {
        self.check_core()?;
        if self.grant.line.hung_up() {
            return Err(self.device_gone());
        }
        if self.call(|end| end.is_open()) {
            Ok(())
        } else {
            Err(Error::Closed)
        }
    }

    /// Sleeps until the core rings (true), or the deadline has passed (false).
    fn wait(&mut self, wait: Wait, deadline: Option<Instant>) -> Result<bool, Error> {
        self.flush();
        let sleep = self.call(|end| end.sleep_until(wait));
        let woken = if sleep {
            self.sleep(wait, deadline)
        } else {
            Ok(true)
        };
        self.call(|end| end.awake());
        let woken = woken?;
        self.grant.line.heard();
        self.check_core()?;
        Ok(woken)
    }

    fn sleep(&self, wait: Wait, deadline: Option<Instant>) -> Result<bool, Error> {
        let timeout = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            let tv_sec = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
            Timespec {
                tv_sec,
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        match self.grant.line.sleep(wait, timeout.as_ref()) {
            Ok(Event::TimedOut) => Ok(false),
            Ok(Event::HungUp) => Err(self.device_gone()),
            Ok(Event::Rung) | Err(Errno::INTR) => Ok(true),
            Err(errno) => Err(Error::Os {
                what: "wait for the core",
                errno,
            }),
        }
    }

    fn call<R>(&mut self, call: impl for<'a> FnOnce(&mut AppEnd<'a>) -> R) -> R {
        self.map.with(call)
    }

    fn check_len(&self, message: &[u8]) -> Result<(), Error> {
        self.check_size(message.len())
    }

    /// The core would throw such a message away without a word.
    #[inline]
    fn check_size(&self, len: usize) -> Result<(), Error> {
        let Takes { exactly, max } = self.takes;
        match exactly {
            Some(wanted) if len != wanted => Err(Error::WrongLength { len, wanted }),
            None if len > max => Err(Error::TooLong { len, max }),
            _ => Ok(()),
        }
    }

    /// Longest message from the core, bytes.
    fn buffer_bytes(&self) -> usize {
        let services = self.map.region().region().services();
        services
            .get(self.grant.service)
            .map_or(0, |entry| entry.tx_size as usize)
    }

    /// Nobody makes room who sleeps.
    #[cold]
    fn full(&mut self) -> Error {
        self.flush();
        self.nothing().err().unwrap_or(Error::Full)
    }

    fn sent<T>(&mut self, result: Result<T, SendError>, len: usize) -> Result<T, Error> {
        match result {
            Ok(sent) => {
                self.fruitless = 0;
                self.check_core()?;
                Ok(sent)
            }
            Err(SendError::Full) => Err(self.full()),
            Err(SendError::TooLong { max }) => Err(Error::TooLong { len, max }),
            Err(SendError::OtherLength { size }) => Err(Error::WrongLength { len, wanted: size }),
            Err(SendError::Closed) => Err(self.closed()),
            Err(SendError::PeerCorrupt) => Err(Error::Corrupt),
        }
    }

    #[inline]
    fn received(&mut self, result: Result<usize, RecvError>) -> Result<Option<usize>, Error> {
        match result {
            Ok(received) => {
                self.fruitless = 0;
                Ok(Some(received))
            }
            Err(RecvError::Empty) => self.nothing().map(|()| None),
            Err(RecvError::BufferTooSmall { needed }) => Err(Error::BufferTooSmall { needed }),
            Err(RecvError::OtherLength { found }) => Err(Error::NotThatType { len: found }),
            Err(RecvError::Closed) => Err(self.closed()),
            Err(RecvError::PeerCorrupt) => Err(Error::Corrupt),
        }
    }

    /// After a call that found nothing: is anybody there? Now and then the device is asked too.
    #[inline]
    fn nothing(&mut self) -> Result<(), Error> {
        self.check_core()?;
        self.fruitless += 1;
        if self.fruitless >= FRUITLESS_MAX {
            self.fruitless = 0;
            if self.grant.line.hung_up() {
                return Err(self.device_gone());
            }
        }
        Ok(())
    }

    /// An error if the core does not run, or not in the epoch that was bound.
    #[inline]
    fn check_core(&self) -> Result<(), Error> {
        let header = self.map.region().region().header();
        let state = header.state.get();
        let live = matches!(state, State::Starting | State::Running);
        if live && header.state.epoch() == self.grant.core_epoch {
            Ok(())
        } else {
            Err(Error::CoreGone { state })
        }
    }

    fn closed(&self) -> Error {
        self.check_core().err().unwrap_or(Error::Closed)
    }

    /// The device hung up: the core's last word, or a crash if it had none.
    fn device_gone(&self) -> Error {
        self.check_core().err().unwrap_or(Error::CoreGone {
            state: State::Crashed,
        })
    }

    fn ring_if(&self, asked: bool) {
        if asked {
            self.grant.line.ring();
        }
    }
}

/// Readable when the core rang: for an event loop. See [`prepare_poll`](Channel::prepare_poll).
impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.grant.line.wake_fd()
    }
}
