//! The application's end of a channel.

use core::ffi::{c_int, c_void};
use core::ptr;

use offsched_abi::channel::{ChannelState, WAKE_MAIL, WAKE_ROOM, Wait, channel_bytes};
use offsched_abi::region::ServiceEntry;
use offsched_abi::sync::AtomicU64;

use crate::halves::Owned;
use crate::{Errno, result};

unsafe extern "C" {
    fn halves_end_new(
        state: *const u32,
        channel: *mut c_void,
        service: *const c_void,
        epoch: u16,
    ) -> *mut c_void;
    fn halves_end_push(end: *mut c_void, payload: *const c_void, len: usize) -> c_int;
    fn halves_end_flush(end: *mut c_void) -> bool;
    fn halves_end_pop(end: *mut c_void, buffer: *mut c_void, size: usize) -> c_int;
    fn halves_end_release(end: *mut c_void);
    fn halves_end_sleep(end: *mut c_void, kinds: u32, room: usize) -> bool;
    fn halves_end_awake(end: *mut c_void);
}

/// The application's end in C, for one epoch.
pub struct AppEnd<'a>(Owned<'a>);

impl<'a> AppEnd<'a> {
    /// The end of the channel of `service` in `memory`: its control page, and then the data of both rings. `None` if
    /// there is too little for that.
    pub fn attach(
        state: &'a ChannelState,
        memory: &'a [AtomicU64],
        service: &ServiceEntry,
        epoch: u16,
    ) -> Option<Self> {
        if size_of_val(memory) < channel_bytes(service.ring_bytes as usize) {
            return None;
        }
        // SAFETY: state and memory live for 'a and consist of atomic words, which is how C uses
        // them; the state's word is all that it is, and C only reads it. The memory is as large as
        // the service says (just looked), whose entry C reads during the call.
        let end = unsafe {
            halves_end_new(
                ptr::from_ref(state).cast(),
                memory.as_ptr().cast_mut().cast(),
                ptr::from_ref(service).cast(),
                epoch,
            )
        };
        Owned::new(end).map(Self)
    }

    /// Writes one frame without publishing it.
    ///
    /// # Errors
    /// `EAGAIN`, `EMSGSIZE`, `ESHUTDOWN`, `EBADMSG`.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Errno> {
        // SAFETY: a live end, borrowed exclusively; C reads `len` bytes of the payload.
        result(unsafe { halves_end_push(self.0.get(), payload.as_ptr().cast(), payload.len()) })
            .map(|_| ())
    }

    /// Publishes what was pushed; true: ring the core.
    pub fn flush(&mut self) -> bool {
        // SAFETY: a live end, borrowed exclusively.
        unsafe { halves_end_flush(self.0.get()) }
    }

    /// Takes the next frame into `buf`.
    ///
    /// # Errors
    /// `EAGAIN`, `EMSGSIZE`, `ESHUTDOWN`, `EBADMSG`.
    pub fn pop(&mut self, buf: &mut [u8]) -> Result<usize, Errno> {
        // SAFETY: a live end, borrowed exclusively; C writes at most `len` bytes of the buffer.
        result(unsafe { halves_end_pop(self.0.get(), buf.as_mut_ptr().cast(), buf.len()) })
    }

    /// Gives the room of what was taken back.
    pub fn release(&mut self) {
        // SAFETY: a live end, borrowed exclusively.
        unsafe { halves_end_release(self.0.get()) }
    }

    /// Asks for the doorbell and looks once more; true: sleep.
    pub fn sleep_until(&mut self, wait: Wait) -> bool {
        let (kinds, room) = match wait {
            Wait::Mail => (WAKE_MAIL, 0),
            Wait::Room(len) => (WAKE_ROOM, len),
            Wait::Either(len) => (WAKE_MAIL | WAKE_ROOM, len),
        };
        // SAFETY: a live end, borrowed exclusively.
        unsafe { halves_end_sleep(self.0.get(), kinds, room) }
    }

    /// Takes the request for the doorbell back.
    pub fn awake(&mut self) {
        // SAFETY: a live end, borrowed exclusively.
        unsafe { halves_end_awake(self.0.get()) }
    }
}
