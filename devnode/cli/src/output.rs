//! The standard output and error, either of which may be closed at any time.

use std::fmt;
use std::io::{self, IsTerminal, Write};

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// Nobody reads the output any more.
    Closed,
    /// What is wrong and what to do, in one line.
    Message(String),
    /// An image did not end when asked, which has been told; its CPU is Linux's all the same.
    Unheard,
}

impl Failure {
    /// A failure to do something, with its cause.
    pub fn to(what: &str, cause: impl fmt::Display) -> Self {
        Self::Message(format!("cannot {what}: {cause}"))
    }
}

impl From<offsched_hosted::Error> for Failure {
    fn from(error: offsched_hosted::Error) -> Self {
        Self::Message(error.to_string())
    }
}

/// Writes to the standard output.
///
/// # Errors
/// [`Failure::Closed`] if the reader is gone, else a message.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::to("write to the standard output", error),
    })
}

/// Writes a line to the standard error. If that is closed there is nobody left
/// to tell.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Columns of the terminal that the standard output is; `None` if it is none.
pub fn terminal_columns() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    // Some terminals do not know: then what every one has.
    let columns = rustix::termios::tcgetwinsize(&out).map_or(0, |size| size.ws_col);
    Some(if columns == 0 {
        80
    } else {
        usize::from(columns)
    })
}
