//! The C halves of a ring and of a channel's application end (`devnode/kmod/ring.h`), as safe Rust:
//! for the tests that run them against the Rust ones.
//!
//! The C client library beside this crate, `offsched.h` and `offsched.c`, is built by its Makefile
//! and by this crate's tests; nothing in Rust links it.
//!
//! All `unsafe` is here: calls of C functions with pointers to live memory that only atomic words
//! are ever read from or written to.

mod end;
mod halves;

pub use end::AppEnd;
pub use halves::{Receiver, Sender};

/// What a C function refused with: an errno, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

/// A C result: negative is an errno.
fn result(value: i32) -> Result<usize, Errno> {
    usize::try_from(value).map_err(|_| Errno(-value))
}
