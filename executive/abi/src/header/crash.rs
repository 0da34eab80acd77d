//! The crash message: the last words of an image.

use core::fmt::{self, Write};
use core::sync::atomic::AtomicU8;

use crate::sync::{AtomicU32, Ordering, load_acquire_u32};

/// Bytes of a crash message; a longer one is cut.
pub const CRASH_BYTES: usize = 1024;

/// A message that the core writes once, before it says that it crashed.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct CrashMessage {
    len: AtomicU32,
    text: [AtomicU8; CRASH_BYTES],
}

impl CrashMessage {
    pub(super) fn new() -> Self {
        Self {
            len: AtomicU32::new(0),
            text: [const { AtomicU8::new(0) }; CRASH_BYTES],
        }
    }

    /// Empties the message, for a new start.
    pub fn clear(&self) {
        self.len.store(0, Ordering::Release);
    }

    /// Writes the message. Needs no memory and cannot fail; what is too long is cut.
    pub fn write(&self, message: fmt::Arguments<'_>) {
        let mut writer = Writer {
            message: self,
            at: 0,
        };
        // An error means that a value's own `Display` failed: what came before it stays.
        let _ = writer.write_fmt(message);
        self.len.store(writer.at as u32, Ordering::Release);
    }

    /// A copy of the message so far; empty if there is none.
    pub fn read(&self) -> CrashText {
        let len = (load_acquire_u32(&self.len) as usize).min(CRASH_BYTES);
        let mut text = CrashText {
            len,
            bytes: [0; CRASH_BYTES],
        };
        for (byte, shared) in text.bytes.iter_mut().zip(&self.text).take(len) {
            *byte = shared.load(Ordering::Relaxed);
        }
        text
    }
}

struct Writer<'a> {
    message: &'a CrashMessage,
    at: usize,
}

impl Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let Some(shared) = self.message.text.get(self.at) else {
                break;
            };
            shared.store(byte, Ordering::Relaxed);
            self.at += 1;
        }
        Ok(())
    }
}

/// A copy of a crash message.
#[derive(Clone, Copy)]
pub struct CrashText {
    len: usize,
    bytes: [u8; CRASH_BYTES],
}

impl CrashText {
    /// The message, up to the first byte that is not UTF-8.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for CrashText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
