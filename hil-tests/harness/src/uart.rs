//! The core's own UART: the third serial line, which Linux leaves alone.

use std::fs;
use std::path::Path;

/// The image that has it.
pub const IMAGE: &str = "uart";
/// The third serial line of a PC.
pub const PORT: u16 = 0x3e8;

/// What that image says, in order: a line of its console, and why it crashed.
const WORDS: [&str; 4] = [
    "before\r\n",
    "offsched: panicked at ",
    "over the wire\r\n",
    "rip 0x4000",
];

/// Looks whether all of it came over the line.
pub fn check(log: &Path) -> Result<(), String> {
    let bytes = fs::read(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut rest = &text[..];
    for words in WORDS {
        rest = match rest.split_once(words) {
            Some((_, rest)) => rest,
            None => return Err(format!("no {words:?} after that in: {text:?}")),
        };
    }
    Ok(())
}
