//! The emergency console: formatted text, one line a write, at any level.

use core::fmt;
use core::marker::PhantomData;

use crate::Core;

/// The longest text of one write, in bytes; the rest is cut off.
pub const LINE_MAX: usize = 256;

/// The core's emergency console.
///
/// Each `write!` reaches the port in one piece of at most `LINE_MAX` bytes,
/// so lines of tasks that preempt each other do not mix.
#[derive(Clone, Copy)]
pub struct Console<'a> {
    core: &'a Core,
    /// Not to leave the core.
    _here: PhantomData<*const ()>,
}

impl<'a> Console<'a> {
    pub(crate) fn new(core: &'a Core) -> Self {
        Self {
            core,
            _here: PhantomData,
        }
    }
}

impl fmt::Write for Console<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.core.bound().port.console(text.as_bytes());
        Ok(())
    }

    fn write_fmt(&mut self, args: fmt::Arguments<'_>) -> fmt::Result {
        let mut line = heapless::String::<LINE_MAX>::new();
        // A text too long is cut where it no longer fits: what fits is worth more than an error.
        let _ = fmt::Write::write_fmt(&mut Cut(&mut line), args);
        self.write_str(&line)
    }
}

/// Takes what fits.
struct Cut<'a>(&'a mut heapless::String<LINE_MAX>);

impl fmt::Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut end = text.len().min(LINE_MAX - self.0.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.0.push_str(&text[..end]).map_err(|_| fmt::Error)
    }
}
