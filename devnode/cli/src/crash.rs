//! `offsched crash`: why a core crashed, and where.

use offsched_abi::header::{Header, State};
use offsched_decode::{Symbols, crash};
use rustix::time::{ClockId, clock_gettime};

use crate::args::CrashOptions;
use crate::cores::found::{Found, read_image};
use crate::log;
use crate::output::{Failure, print};

/// Lines of the log shown after a crash.
const LOG_LINES: usize = 20;

/// Prints the record of a core that crashed, and what to do.
///
/// # Errors
/// [`Failure`]; without a record it says what the core does instead.
pub fn run(options: &CrashOptions) -> Result<(), Failure> {
    let image = options.image.as_deref().map(read_image).transpose()?;
    let symbols = image.as_deref().map(Symbols::parse).transpose();
    let symbols = symbols.map_err(|error| Failure::Message(error.to_string()))?;
    let has_crashed = |core: &Found| {
        let region = core.shared.region();
        region.is_ok_and(|region| region.header().state.get() == State::Crashed)
    };
    let core = Found::find(&options.device.device, options.cpu, has_crashed)?;
    let region = core.shared.region();
    let region = region.map_err(|error| Failure::Message(error.to_string()))?;
    let header = region.header();
    let cpu = core.cpu;
    let Ok(text) = crash(header, symbols.as_ref()) else {
        let beat = region
            .core()
            .heartbeat
            .load(std::sync::atomic::Ordering::Relaxed);
        return Err(Failure::Message(no_record(&core, header, beat)));
    };
    print(&format!(
        "CPU {cpu}, start {}, crashed:\n{text}",
        header.state.epoch()
    ))?;
    let log = image
        .as_deref()
        .map(|image| log::last(&core, image, LOG_LINES));
    if let Some(lines) = log.filter(|lines| !lines.is_empty()) {
        print(&format!("\nlast log:\n{}\n", lines.join("\n")))?;
    }
    if symbols.is_none() {
        print("\nfor functions, files and lines: --image IMAGE, the ELF file that was started\n")?;
    }
    print(&match core.returned {
        true => format!("\nLinux has CPU {cpu}; the next start there forgets this record\n"),
        false => format!(
            "\n`offsched stop --cpu {cpu}` gives the CPU back to Linux; \
             the record stays until the next start there\n"
        ),
    })
}

/// What a core without a record does.
fn no_record(core: &Found, header: &Header, beat: u64) -> String {
    let (cpu, state) = (core.cpu, header.state.get());
    match state {
        _ if core.returned => {
            format!("no crash record: the core on CPU {cpu} ended {state}, and Linux has the CPU")
        }
        State::Starting | State::Running | State::Stopping => {
            let silent = silence_ms(header, beat);
            let silence = silent.map_or_else(
                || "has not come to its idle loop yet".to_owned(),
                |ms| format!("was last idle {ms} ms ago"),
            );
            format!(
                "no crash record: the core on CPU {cpu} is {state} and {silence}. If it should have been idle \
                 since, it is wedged, which leaves no record: `offsched stop --cpu {cpu}` takes the CPU back all the same"
            )
        }
        State::Offline | State::Crashed => {
            format!("no crash record: the core on CPU {cpu} is {state}")
        }
    }
}

/// How long ago the heartbeat was, in ms; `None` if there was none.
fn silence_ms(header: &Header, beat: u64) -> Option<u64> {
    let scale = header.time.read()?;
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    (beat != 0).then(|| now.saturating_sub(scale.monotonic_ns(beat)) / 1_000_000)
}
