//! `offsched log`: what a core's tasks log.

use std::time::Duration;

use offsched_abi::header::State;
use offsched_abi::region::RegionError;
use offsched_decode::{LogLine, LogReader, LogTexts};

use crate::args::LogOptions;
use crate::cores::found::{Found, read_image};
use crate::output::{Failure, print};

/// Between two looks while following.
const LOOK: Duration = Duration::from_millis(50);

/// Prints a core's log, and goes on if asked to.
///
/// # Errors
/// [`Failure`].
pub fn run(options: &LogOptions) -> Result<(), Failure> {
    let image = read_image(&options.image)?;
    let texts = texts(&image, options)?;
    let core = Found::find(&options.device.device, options.cpu, |core| !core.returned)?;
    let region = core.shared.region();
    let unreadable = |error: RegionError| Failure::Message(error.to_string());
    let header = region.map_err(unreadable)?.header();
    let logs = core.shared.logs().map_err(unreadable)?;
    let mut reader = LogReader::new(&texts);
    loop {
        // The state first: what was logged before it changed is read below.
        let state = header.state.get();
        let live = matches!(state, State::Starting | State::Running | State::Stopping)
            && core.has_cpu()?;
        let scale = header.time.read();
        for line in reader.read(logs) {
            print(&format!("{}\n", line.at(scale.as_ref())))?;
        }
        if !options.follow || !live {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// The last lines of a core's log, for a crash; none if its app does not log.
pub fn last(core: &Found, image: &[u8], lines: usize) -> Vec<String> {
    let Ok(Some(texts)) = LogTexts::parse(image) else {
        return Vec::new();
    };
    let scale = core
        .shared
        .region()
        .ok()
        .and_then(|region| region.header().time.read());
    let Ok(rings) = core.shared.logs() else {
        return Vec::new();
    };
    let log: Vec<LogLine> = LogReader::new(&texts).read(rings);
    let first = log.len().saturating_sub(lines);
    log[first..]
        .iter()
        .map(|line| line.at(scale.as_ref()))
        .collect()
}

fn texts(image: &[u8], options: &LogOptions) -> Result<LogTexts, Failure> {
    let file = options.image.display();
    let texts = LogTexts::parse(image);
    let texts = texts.map_err(|error| Failure::Message(format!("{file}: {error}")))?;
    texts.ok_or_else(|| {
        Failure::Message(format!(
            "{file} has no log texts: its app does not log, or was built without DEFMT_LOG \
             (`DEFMT_LOG=info cargo image ...` keeps info and above; unset, errors only)"
        ))
    })
}
