//! Where the calling thread's stack lies.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ops::Range;

/// The addresses of the calling thread's stack; none, if the system does not know.
///
/// What a [`Setup`](offsched::Setup) wants, for tests that bring a port of their own.
pub fn own_stack() -> Range<usize> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut lowest, mut bytes) = (std::ptr::null_mut(), 0);
    // SAFETY: the first call initialises the attributes of the calling thread, or fails and says so; they are read and
    // destroyed after it has succeeded only. The pointers are to locals.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return 0..0;
        }
        libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    lowest.addr()..lowest.addr() + bytes
}
