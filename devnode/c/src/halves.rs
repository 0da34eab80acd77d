//! The two halves of a ring.

use core::ffi::{c_int, c_void};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use offsched_abi::ring::RingWords;
use offsched_abi::sync::AtomicU64;

use crate::{Errno, result};

unsafe extern "C" {
    fn halves_tx_new(
        words: *mut c_void,
        data: *mut c_void,
        bytes: usize,
        size: usize,
        epoch: u16,
    ) -> *mut c_void;
    fn halves_tx_reattach(tx: *mut c_void, epoch: u16);
    fn halves_tx_push(tx: *mut c_void, payload: *const c_void, len: usize) -> c_int;
    fn halves_tx_publish(tx: *mut c_void) -> bool;
    fn halves_tx_has_room(tx: *mut c_void, len: usize) -> bool;
    fn halves_tx_sees_room(tx: *mut c_void, len: usize) -> bool;
    fn halves_tx_corruptions(tx: *mut c_void) -> u32;

    fn halves_rx_new(
        words: *mut c_void,
        data: *mut c_void,
        bytes: usize,
        size: usize,
        epoch: u16,
    ) -> *mut c_void;
    fn halves_rx_reattach(rx: *mut c_void, epoch: u16);
    fn halves_rx_next(rx: *mut c_void) -> c_int;
    fn halves_rx_pop(rx: *mut c_void, buffer: *mut c_void, size: usize) -> c_int;
    fn halves_rx_skip(rx: *mut c_void) -> c_int;
    fn halves_rx_publish(rx: *mut c_void) -> bool;
    fn halves_rx_has_mail(rx: *mut c_void) -> bool;
    fn halves_rx_sees_mail(rx: *mut c_void) -> bool;
    fn halves_rx_corruptions(rx: *mut c_void) -> u32;

    pub(crate) fn halves_free(half: *mut c_void);
}

/// A structure that C allocated, freed with this.
pub(crate) struct Owned<'a> {
    at: NonNull<c_void>,
    shared: PhantomData<&'a AtomicU64>,
}

// SAFETY: the C functions keep nothing in threads; a half may move to another one.
unsafe impl Send for Owned<'_> {}

impl Owned<'_> {
    /// Takes what a `halves_*_new` returned.
    pub(crate) fn new(half: *mut c_void) -> Option<Self> {
        NonNull::new(half).map(|at| Self {
            at,
            shared: PhantomData,
        })
    }

    pub(crate) fn get(&self) -> *mut c_void {
        self.at.as_ptr()
    }
}

impl Drop for Owned<'_> {
    fn drop(&mut self) {
        // SAFETY: from `halves_*_new`, freed once.
        unsafe { halves_free(self.at.as_ptr()) };
    }
}

fn place<T: ?Sized>(shared: &T) -> *mut c_void {
    ptr::from_ref(shared).cast_mut().cast()
}

/// The sending half in C.
pub struct Sender<'a>(Owned<'a>);

impl<'a> Sender<'a> {
    /// The sending half over `words` and `data`; `None` if there is too little data for a ring.
    pub fn attach(
        words: &'a RingWords,
        data: &'a [AtomicU64],
        size: usize,
        epoch: u16,
    ) -> Option<Self> {
        // SAFETY: words and data live for 'a and consist of atomic words, which is how C uses them.
        let half =
            unsafe { halves_tx_new(place(words), place(data), size_of_val(data), size, epoch) };
        Owned::new(half).map(Self)
    }

    /// Starts anew in another epoch.
    pub fn reattach(&mut self, epoch: u16) {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_tx_reattach(self.0.get(), epoch) }
    }

    /// Writes one frame without publishing it.
    ///
    /// # Errors
    /// `EAGAIN`, `EMSGSIZE`, `EBADMSG`.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Errno> {
        // SAFETY: a live half, borrowed exclusively; C reads `len` bytes of the payload.
        result(unsafe { halves_tx_push(self.0.get(), payload.as_ptr().cast(), payload.len()) })
            .map(|_| ())
    }

    /// Publishes what was pushed; true if there was anything.
    pub fn publish(&mut self) -> bool {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_tx_publish(self.0.get()) }
    }

    /// True if a payload of `len` bytes would go in.
    pub fn has_room(&mut self, len: usize) -> bool {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_tx_has_room(self.0.get(), len) }
    }

    /// The same as the published words say.
    pub fn sees_room(&mut self, len: usize) -> bool {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_tx_sees_room(self.0.get(), len) }
    }

    /// How often a peer was caught lying.
    pub fn corruptions(&self) -> u32 {
        // SAFETY: a live half; C only reads it.
        unsafe { halves_tx_corruptions(self.0.get()) }
    }
}

/// The receiving half in C.
pub struct Receiver<'a>(Owned<'a>);

impl<'a> Receiver<'a> {
    /// The receiving half over `words` and `data`; `None` if there is too little data for a ring.
    pub fn attach(
        words: &'a RingWords,
        data: &'a [AtomicU64],
        size: usize,
        epoch: u16,
    ) -> Option<Self> {
        // SAFETY: words and data live for 'a and consist of atomic words, which is how C uses them.
        let half =
            unsafe { halves_rx_new(place(words), place(data), size_of_val(data), size, epoch) };
        Owned::new(half).map(Self)
    }

    /// Starts anew in another epoch.
    pub fn reattach(&mut self, epoch: u16) {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_rx_reattach(self.0.get(), epoch) }
    }

    /// The next frame's length; it stays.
    ///
    /// # Errors
    /// `EAGAIN`, `EBADMSG`.
    pub fn next_len(&mut self) -> Result<usize, Errno> {
        // SAFETY: a live half, borrowed exclusively.
        result(unsafe { halves_rx_next(self.0.get()) })
    }

    /// Takes the next frame into `buf`.
    ///
    /// # Errors
    /// `EAGAIN`, `EMSGSIZE`, `EBADMSG`.
    pub fn pop(&mut self, buf: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: a live half, borrowed exclusively; C writes at most `len` bytes of the buffer.
        result(unsafe { halves_rx_pop(self.0.get(), buf.as_mut_ptr().cast(), buf.len()) })
    }

    /// Drops the next frame.
    ///
    /// # Errors
    /// `EAGAIN`, `EBADMSG`.
    pub fn skip(&mut self) -> Result<usize, Errno> {
        // SAFETY: a live half, borrowed exclusively.
        result(unsafe { halves_rx_skip(self.0.get()) })
    }

    /// Gives the room of what was taken back; true if there was anything.
    pub fn publish(&mut self) -> bool {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_rx_publish(self.0.get()) }
    }

    /// True if a frame waits, or the peer was caught.
    pub fn has_mail(&mut self) -> bool {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_rx_has_mail(self.0.get()) }
    }

    /// True if a frame waits, as the published words say.
    pub fn sees_mail(&mut self) -> bool {
        // SAFETY: a live half, borrowed exclusively.
        unsafe { halves_rx_sees_mail(self.0.get()) }
    }

    /// How often a peer was caught lying.
    pub fn corruptions(&self) -> u32 {
        // SAFETY: a live half; C only reads it.
        unsafe { halves_rx_corruptions(self.0.get()) }
    }
}
