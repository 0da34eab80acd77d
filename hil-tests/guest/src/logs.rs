//! Logs of the example apps, read and decoded while Linux runs beside them.

use offsched_abi::header::State;
use offsched_decode::{LogEntry, LogLine, LogReader, LogTexts};

use crate::Outcome;
use crate::case::Case;
use crate::rig::Rig;

const EXPECTED: &str = include_str!("../../logs/expected/log.txt");
const FRAMES: u64 = 5_000;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("log of several levels", levels),
        Case::new("log that overflows", flood),
        Case::new("no log", none),
    ]
}

/// Runs an app, reading its log the whole time.
fn logged(rig: &Rig, app: &str) -> Result<Vec<LogLine>, String> {
    let file = rig.image(app)?;
    let texts = LogTexts::parse(&file).map_err(|error| error.to_string())?;
    let texts = texts.ok_or("no log texts")?;
    let core = rig.start(app)?;
    let rings = core.shared.logs().map_err(|error| error.to_string())?;
    let mut reader = LogReader::new(&texts);
    let mut lines = Vec::new();
    loop {
        let state = core.state()?;
        lines.extend(reader.read(rings));
        match state {
            State::Offline => break,
            State::Crashed => return Err(format!("crashed: {}", core.crash()?)),
            _ => std::thread::yield_now(),
        }
    }
    core.give_back()?;
    Ok(lines)
}

fn levels(rig: &Rig) -> Outcome {
    let mut log = logged(rig, "log")?;
    // Read while it was written, two rings may show their lines in either order.
    log.sort_by_key(|line| line.tsc);
    let text: String = log.iter().map(|line| format!("{}\n", line.entry)).collect();
    if text == EXPECTED {
        Ok(())
    } else {
        Err(format!("logged:\n{text}expected:\n{EXPECTED}"))
    }
}

/// Every frame is read, or counted as lost; in order, the last one among them.
fn flood(rig: &Rig) -> Outcome {
    let log = logged(rig, "flood")?;
    let mut next = 0;
    for line in &log {
        match &line.entry {
            LogEntry::Lost(frames) => next += frames,
            LogEntry::Frame { text, .. } if *text == format!("frame {next}") => next += 1,
            other => return Err(format!("at {next}: {other}")),
        }
    }
    if next == FRAMES {
        Ok(())
    } else {
        Err(format!("{next} of {FRAMES} frames seen or counted"))
    }
}

/// An image whose app does not log has no texts, and that is no error.
fn none(rig: &Rig) -> Outcome {
    let file = rig.image("quiet")?;
    match LogTexts::parse(&file) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err("texts in an image that does not log".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
