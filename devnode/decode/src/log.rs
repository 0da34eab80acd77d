//! A core's log, as lines.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use defmt_decoder::Table;
use object::{Object, ObjectSymbol};
use offsched_abi::header::TimeScale;
use offsched_abi::log::{LOG_FRAME_MAX, LOG_RINGS, LogCursor, LogRings};

use crate::symbols::ImageError;
use crate::text::printable;

/// What [`LogFrame::level`](offsched_abi::log::LogFrame) is in an image's init.
const INIT_LEVEL: u8 = 64;
/// Frames taken from a ring at a time.
const FRAMES_MAX: usize = 4096;

/// The texts of an image's logs.
pub struct LogTexts(Table);

impl LogTexts {
    /// Reads an image's ELF file; `None` if its app does not log.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn parse(elf: &[u8]) -> Result<Option<Self>, ImageError> {
        let unreadable = |error: object::Error| ImageError::Unreadable(error.to_string());
        // An image's script makes the section for any app; defmt itself, if it is linked, a symbol.
        let file = object::File::parse(elf).map_err(unreadable)?;
        if !file
            .symbols()
            .any(|symbol| symbol.name().is_ok_and(is_version))
        {
            return Ok(None);
        }
        // The parser is not written for hostile files.
        let parsed = without_panic(|| Table::parse(elf));
        let table =
            parsed.ok_or_else(|| ImageError::Unreadable("its log texts are damaged".to_owned()))?;
        let table = table.map_err(|error| ImageError::Unreadable(error.to_string()))?;
        Ok(table.filter(|table| !table.is_empty()).map(Self))
    }
}

fn is_version(symbol: &str) -> bool {
    symbol.contains("_defmt_version_")
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When, cycles of the core's counter; of a loss, when the next frame was written.
    pub tsc: u64,
    /// What.
    pub entry: LogEntry,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEntry {
    /// A frame of the app's.
    Frame {
        /// `info`, `warn` and so on; empty for one without severity.
        severity: &'static str,
        /// The level that wrote it; `None`: the app's init.
        level: Option<u8>,
        /// The text.
        text: String,
    },
    /// So many frames of a ring are gone.
    Lost(u64),
    /// A frame that the image's texts do not explain: its bytes.
    Unknown(usize),
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame {
                severity,
                level,
                text,
            } => {
                write!(f, "{:5} ", severity.to_uppercase())?;
                match level {
                    Some(level) => write!(f, "[{level}] {text}"),
                    None => write!(f, "[init] {text}"),
                }
            }
            Self::Lost(frames) => write!(f, "-- {frames} lost"),
            Self::Unknown(bytes) => write!(
                f,
                "-- a frame of {bytes} bytes that is none of this image's: is it the one that was started?"
            ),
        }
    }
}

impl LogLine {
    /// The line with its time, in seconds of CLOCK_MONOTONIC.
    pub fn at(&self, scale: Option<&TimeScale>) -> String {
        match scale {
            Some(scale) => {
                let ns = scale.monotonic_ns(self.tsc);
                let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
                format!("{seconds:6}.{rest:09} {}", self.entry)
            }
            None => format!("{:16} {}", self.tsc, self.entry),
        }
    }
}

/// Reads a core's log, from where the last look ended.
pub struct LogReader<'a> {
    texts: &'a LogTexts,
    cursors: [LogCursor; LOG_RINGS],
}

impl<'a> LogReader<'a> {
    /// A reader that begins with the oldest frames kept.
    pub fn new(texts: &'a LogTexts) -> Self {
        Self {
            texts,
            cursors: [LogCursor::default(); LOG_RINGS],
        }
    }

    /// What is new, of all rings, by time. Bounded, whatever the rings hold.
    pub fn read(&mut self, rings: &LogRings) -> Vec<LogLine> {
        let mut lines = Vec::new();
        let mut buffer = [0; LOG_FRAME_MAX];
        for (cursor, ring) in self.cursors.iter_mut().zip(&rings.rings) {
            let mut tsc = 0;
            for _ in 0..FRAMES_MAX {
                let read = ring.read(cursor, &mut buffer);
                let line = read.frame.map(|frame| {
                    let bytes = buffer.get(..frame.len).unwrap_or_default();
                    decode(self.texts, bytes, frame.level, tsc)
                });
                tsc = line.as_ref().map_or(tsc, |line| line.tsc);
                if read.lost > 0 {
                    let entry = LogEntry::Lost(read.lost);
                    lines.push(LogLine { tsc, entry });
                }
                match line {
                    Some(line) => lines.push(line),
                    None => break,
                }
            }
        }
        lines.sort_by_key(|line| line.tsc);
        lines
    }
}

/// One frame; `before` is the time of the one before it.
fn decode(texts: &LogTexts, bytes: &[u8], level: u8, before: u64) -> LogLine {
    let unknown = LogLine {
        tsc: before,
        entry: LogEntry::Unknown(bytes.len()),
    };
    // The decoder is not written for hostile frames.
    let decoded = without_panic(|| {
        let (frame, used) = texts.0.decode(bytes).ok()?;
        let tsc = frame.display_timestamp()?.to_string().parse().ok()?;
        let entry = LogEntry::Frame {
            severity: frame.level().map_or("", |severity| severity.as_str()),
            level: (level != INIT_LEVEL).then_some(level),
            text: printable(&frame.display_message().to_string()),
        };
        (used == bytes.len()).then_some(LogLine { tsc, entry })
    });
    decoded.flatten().unwrap_or(unknown)
}

/// Calls; `None` if it panicked, which has been printed.
fn without_panic<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
