//! `offsched log`: what a core's tasks log.

use std::time::Duration;

use offsched_abi::header::State;
use offsched_decode::{LogLine, LogReader, LogTexts};

use crate::args::LogOptions;
use crate::cores::found::{Found, read_image};
use crate::crash::wrong_image;
use crate::output::{Failure, note, print};

/// Between two looks while following.
const LOOK: Duration = Duration::from_millis(50);

/// Prints a core's log, and goes on if asked to.
///
/// # Errors
/// [`Failure`].
pub fn run(options: &LogOptions) -> Result<(), Failure> {
    let image = read_image(&options.image)?;
    let running = |core: &Found| core.returned().is_ok_and(|returned| returned != Some(true));
    let core = Found::find(&options.device.device, options.cpu, running, "run an image")?;
    let region = core.published()?;
    let header = region.header();
    if let Some(why) = wrong_image(header, &options.image, &image)? {
        return Err(Failure::Message(why));
    }
    let texts = texts(&image, options)?;
    let logs = region.logs().ok_or_else(|| {
        Failure::Message(format!(
            "{} keeps no logs: its program was built without",
            core.place
        ))
    })?;
    let mut reader = LogReader::new(&texts);
    loop {
        // First: what was logged before it ended is read below.
        let live = core.is_live()?;
        let scale = header.time.read();
        for line in reader.read(logs) {
            print(&format!("{}\n", line.at(scale.as_ref())))?;
        }
        if !options.follow {
            return Ok(());
        }
        if !live {
            note(&format!("offsched: {}", ended(&core, header.state.get())));
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Why nothing more comes.
fn ended(core: &Found, state: State) -> String {
    let place = &core.place;
    match (state, core.cpu) {
        (State::Offline, _) => format!("{place}: the image has ended"),
        (State::Crashed, Some(cpu)) => {
            format!("{place}: the image has crashed: `offsched crash --cpu {cpu}` says why")
        }
        (State::Crashed, None) => {
            format!("{place}: the core has crashed: `offsched crash --device {place}` says why")
        }
        (_, Some(_)) => format!("{place}: the CPU was taken from the image"),
        (_, None) => format!("{place}: the core's program has ended"),
    }
}

/// The last lines of a core's log, for a crash; none if its app does not log.
pub fn last(core: &Found, image: &[u8], lines: usize) -> Vec<String> {
    let (Ok(Some(texts)), Ok(region)) = (LogTexts::parse(image), core.region()) else {
        return Vec::new();
    };
    let Some(logs) = region.logs() else {
        return Vec::new();
    };
    let scale = region.header().time.read();
    let log: Vec<LogLine> = LogReader::new(&texts).read(logs);
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
