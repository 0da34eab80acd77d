//! Where a thread's stack lies.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;

/// The addresses of the calling thread's stack.
///
/// # Errors
/// The system's answer.
pub fn own_stack() -> io::Result<Range<usize>> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut lowest, mut bytes) = (ptr::null_mut(), 0);
    // SAFETY: the first call initialises the attributes of the calling thread, or fails and says so; they are read and
    // destroyed after it has succeeded only. The pointers are to locals.
    unsafe {
        match libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) {
            0 => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
        libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    Ok(lowest.addr()..lowest.addr() + bytes)
}
