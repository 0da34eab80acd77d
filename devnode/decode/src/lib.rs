//! What a core left in shared memory, made readable with its image's ELF file.
//!
//! ```text
//! build    whether a file is what the core ran
//! crash    why and where a core crashed: message, backtrace, registers
//! log      what its tasks logged
//! symbols  addresses to functions, files and lines (DWARF)
//! text     what an image wrote, safe to show on a terminal
//! ```
//! The image wrote all of it, and may have been broken while it did: every
//! length and every value is checked, and nothing here panics for any of them.
#![forbid(unsafe_code)]

mod build;
mod crash;
mod log;
mod symbols;
mod text;

pub use build::{Match, compare_build};
pub use crash::{NoCrash, crash};
pub use log::{LogEntry, LogLine, LogReader, LogTexts};
pub use symbols::{ImageError, Place, Symbols};
pub use text::printable;
