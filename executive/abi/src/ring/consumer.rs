//! The receiving half of a ring.

use bbqueue::prod_cons::stream::StreamGrantR;

use crate::ring::frame::{self, Frames};
use crate::ring::overlay;
use crate::ring::receiving::Receiving;
use crate::ring::{NEWEST_WORDS, RecvError, Ring, WORD_BYTES};
use crate::sync::AtomicU64;

/// bbqueue's grant on a piece of the ring.
type Grant<'q, 'a> = StreamGrantR<&'q overlay::Queue<Receiving<'a>>>;

/// The receiving half of a ring. Its own index is in its own memory; see [`ring`](crate::ring).
pub struct Consumer<'a> {
    half: Receiving<'a>,
}

impl<'a> Consumer<'a> {
    /// The receiving half of `ring` in `epoch` (not 0), starting from an empty ring.
    ///
    /// Only one half may receive from one ring and epoch: two would each miss frames and make the
    /// sender see a corrupt peer (but no undefined behaviour).
    pub fn attach(ring: Ring<'a>, epoch: u16) -> Self {
        Self {
            half: Receiving::new(ring, epoch, 0),
        }
    }

    /// Starts anew in another epoch, forgetting a corrupt peer.
    pub fn reattach(&mut self, epoch: u16) {
        self.half = Receiving::new(self.half.ring, epoch, self.corruptions());
    }

    /// Takes the next frame into the front of `buf` and returns its length, without giving its
    /// room back: [`publish`](Self::publish) follows, once for many.
    ///
    /// # Errors
    /// [`RecvError::Empty`], [`RecvError::BufferTooSmall`], [`RecvError::PeerCorrupt`].
    #[inline]
    pub fn pop(&mut self, buf: &mut [u8]) -> Result<usize, RecvError> {
        self.next(Some(buf))
    }

    /// Drops the next frame unread and returns its length; as [`pop`](Self::pop) otherwise.
    ///
    /// # Errors
    /// [`RecvError::Empty`], [`RecvError::PeerCorrupt`].
    pub fn skip(&mut self) -> Result<usize, RecvError> {
        self.next(None)
    }

    /// Gives the room of every frame taken so far back to the peer, in one store. True if there
    /// were any.
    #[inline]
    pub fn publish(&mut self) -> bool {
        let read = self.half.read.get();
        let news = read != self.half.published.replace(read);
        if news {
            self.half.ring.publish_head(self.half.epoch, read);
        }
        news
    }

    /// [`publish`](Self::publish) if it is worth while: when nothing more is known to be there, or a quarter of the ring
    /// has been taken since the last time. Otherwise the room waits for the next call: a peer that is short of it has
    /// frames here that are still to be taken.
    #[inline]
    pub fn publish_if_due(&mut self) -> bool {
        let (read, published) = (self.half.read.get(), self.half.published.get());
        if self.half.span().is_none() {
            return self.publish();
        }
        let capacity = self.half.ring.capacity();
        let taken = if read < published {
            capacity
        } else {
            read - published
        };
        taken >= capacity / 4 && self.publish()
    }

    /// Receives one frame: [`pop`](Self::pop) and [`publish`](Self::publish).
    ///
    /// # Errors
    /// As [`pop`](Self::pop).
    #[inline]
    pub fn try_recv(&mut self, buf: &mut [u8]) -> Result<usize, RecvError> {
        let len = self.pop(buf)?;
        self.publish();
        Ok(len)
    }

    /// Takes up to `count` frames, as [`pop`](Self::pop), each through `buf` into `each`; returns how many.
    ///
    /// # Errors
    /// As [`pop`](Self::pop), if not even the first was taken.
    pub fn pop_batch(
        &mut self,
        buf: &mut [u8],
        count: usize,
        mut each: impl FnMut(&[u8]),
    ) -> Result<usize, RecvError> {
        let mut taken = 0;
        while taken < count {
            match self.pop_run(buf, count - taken, &mut each) {
                Ok(more) => taken += more,
                Err(error) if taken == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    /// Takes frames of exactly `size` bytes (not 0), one behind the other, into `out`, without giving their room back;
    /// returns how many: as many as `out` has room for, up to the first of another length. With a size that is known
    /// where this is compiled it is the fastest way to receive.
    ///
    /// # Errors
    /// As [`pop`](Self::pop), and [`RecvError::OtherLength`], if not even the first was taken.
    #[inline(always)]
    pub fn pop_equal(&mut self, out: &mut [u8], size: usize) -> Result<usize, RecvError> {
        let count = out.len().checked_div(size).unwrap_or(0);
        let mut taken = 0;
        while taken < count {
            match self.pop_equal_run(&mut out[taken * size..count * size], size) {
                Ok(more) => taken += more,
                Err(error) if taken == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(taken)
    }

    #[inline(always)]
    fn pop_equal_run(&mut self, out: &mut [u8], size: usize) -> Result<usize, RecvError> {
        match self.half.ring.frames() {
            Frames::Equal { size: theirs } if theirs == size => self.pop_packed(out, size),
            frames => self.pop_alike(frames, out, size),
        }
    }

    /// From a ring all of whose payloads have `size` bytes.
    #[inline(always)]
    fn pop_packed(&mut self, out: &mut [u8], size: usize) -> Result<usize, RecvError> {
        let (piece, words) = (self.half.waiting()?, size.div_ceil(WORD_BYTES));
        if words <= NEWEST_WORDS
            && let Some(newest) = self.half.newest(piece)
        {
            let taken = frame::read_packed(newest.words, out, size);
            if newest.stayed() && taken > 0 {
                self.half.read.set(piece.0 + taken * words);
                return Ok(taken);
            }
        }
        let (span, grant) = self.open_grant()?;
        let taken = frame::read_packed(span, out, size);
        grant.release(taken * words * WORD_BYTES);
        match taken {
            // A piece that ends within a message.
            0 => Err(self.half.blame()),
            taken => Ok(taken),
        }
    }

    /// From a ring with headers: up to the first of another length.
    #[inline(always)]
    fn pop_alike(
        &mut self,
        frames: Frames,
        out: &mut [u8],
        size: usize,
    ) -> Result<usize, RecvError> {
        let (piece, fits) = (self.half.waiting()?, frames.take(size));
        let words = frames.words(size);
        if words <= NEWEST_WORDS
            && fits
            && let Some(newest) = self.half.newest(piece)
        {
            let taken = frame::read_alike(newest.words, out, size);
            if newest.stayed() && taken > 0 {
                self.half.read.set(piece.0 + taken * words);
                return Ok(taken);
            }
        }
        let (span, grant) = self.open_grant()?;
        let taken = if fits {
            frame::read_alike(span, out, size)
        } else {
            0
        };
        grant.release(taken * words * WORD_BYTES);
        if taken > 0 {
            return Ok(taken);
        }
        match frames.first(span) {
            Some((found, _)) => Err(RecvError::OtherLength { found }),
            None => Err(self.half.blame()),
        }
    }

    /// Takes frames that lie in one piece of the ring, under one grant: at least one, or the reason why not.
    fn pop_run(
        &mut self,
        buf: &mut [u8],
        count: usize,
        mut each: impl FnMut(&[u8]),
    ) -> Result<usize, RecvError> {
        self.half.waiting()?;
        let (span, grant) = self.open_grant()?;
        let frames = self.half.ring.frames();
        let (mut rest, mut taken, mut refused) = (span, 0, None);
        while taken < count && !rest.is_empty() {
            let Some((len, body)) = frames.first(rest) else {
                refused = Some(RecvError::PeerCorrupt);
                break;
            };
            let Some(out) = buf.get_mut(..len) else {
                refused = Some(RecvError::BufferTooSmall { needed: len });
                break;
            };
            frame::read(body, out);
            each(out);
            rest = rest.get(frames.words(len)..).unwrap_or_default();
            taken += 1;
        }
        grant.release((span.len() - rest.len()) * WORD_BYTES);
        match refused {
            // What came before a damaged frame is good; the next call finds the damage again.
            Some(error) if taken == 0 => Err(self.blame_for(error)),
            _ => Ok(taken),
        }
    }

    /// Receives up to `count` frames, in one publication, each through `buf` into `each`; returns
    /// how many.
    ///
    /// # Errors
    /// As [`pop`](Self::pop), if not even the first was received.
    pub fn recv_batch(
        &mut self,
        buf: &mut [u8],
        count: usize,
        each: impl FnMut(&[u8]),
    ) -> Result<usize, RecvError> {
        let taken = self.pop_batch(buf, count, each);
        self.publish();
        taken
    }

    /// True if a frame is waiting (or the peer was caught lying, which [`pop`](Self::pop) tells).
    #[inline]
    pub fn has_mail(&mut self) -> bool {
        if self.half.corrupt.get() {
            return true;
        }
        self.half.find().is_some() || self.half.corrupt.get()
    }

    /// True after the peer was caught lying, until attached anew.
    pub fn is_corrupt(&self) -> bool {
        self.half.corrupt.get()
    }

    /// How often a peer was caught lying, over all epochs.
    pub fn corruptions(&self) -> u32 {
        self.half.corruptions.get()
    }

    /// Takes the next frame into `buf`, if there is one, and gives the frame back as read if that goes well.
    #[inline]
    fn next(&mut self, buf: Option<&mut [u8]>) -> Result<usize, RecvError> {
        match self.half.ring.frames() {
            frames @ Frames::Headed { .. } => self.next_of(frames, buf),
            frames @ Frames::Equal { size } => match buf {
                Some(buf) if buf.len() == size => {
                    let len = buf.len();
                    self.pop_packed(buf, len).map(|_| len)
                }
                buf => self.next_of(frames, buf),
            },
        }
    }

    /// As [`next`](Self::next), compiled for either kind of frames.
    #[inline(always)]
    fn next_of(&mut self, frames: Frames, mut buf: Option<&mut [u8]>) -> Result<usize, RecvError> {
        let piece = self.half.waiting()?;
        if let Some(newest) = self.half.newest(piece) {
            let taken = take(newest.words, frames, buf.as_deref_mut());
            if newest.stayed() {
                let len = taken.map_err(|error| self.blame_for(error))?;
                self.half.read.set(piece.0 + frames.words(len));
                return Ok(len);
            }
        }
        let (span, grant) = self.open_grant()?;
        let len = take(span, frames, buf).map_err(|error| self.blame_for(error))?;
        grant.release(frames.words(len) * WORD_BYTES);
        Ok(len)
    }

    /// The peer is to blame for a damaged frame.
    #[cold]
    fn blame_for(&self, error: RecvError) -> RecvError {
        match error {
            RecvError::PeerCorrupt => self.half.blame(),
            error => error,
        }
    }

    /// A grant on the words that [wait](Receiving::waiting), and these.
    #[inline(always)]
    fn open_grant(&self) -> Result<(&'a [AtomicU64], Grant<'_, 'a>), RecvError> {
        let grant = overlay::queue(&self.half).stream_consumer().read();
        let grant = grant.map_err(|_| RecvError::Empty)?;
        let (start, len) = self.half.grant.get();
        let data = self.half.ring.data();
        Ok((
            data.get(start..)
                .and_then(|rest| rest.get(..len))
                .unwrap_or_default(),
            grant,
        ))
    }
}

/// Copies the payload of the frame at the start of `span` into `buf`, if there is one, and returns its length.
#[inline(always)]
fn take(span: &[AtomicU64], frames: Frames, buf: Option<&mut [u8]>) -> Result<usize, RecvError> {
    let (len, body) = frames.first(span).ok_or(RecvError::PeerCorrupt)?;
    if let Some(buf) = buf {
        let out = buf
            .get_mut(..len)
            .ok_or(RecvError::BufferTooSmall { needed: len })?;
        frame::read(body, out);
    }
    Ok(len)
}
