//! `offsched crash`: why a core crashed, and where.

use std::path::Path;

use offsched_abi::header::{Header, State};
use offsched_decode::{Match, Symbols, compare_build, crash};

use crate::args::CrashOptions;
use crate::cores::CoreFacts;
use crate::cores::found::{Found, now, read_image};
use crate::format::length;
use crate::log;
use crate::output::{Failure, print};

/// Lines of the log shown after a crash.
const LOG_LINES: usize = 20;

/// Prints the record of a core that crashed, and what to do.
///
/// # Errors
/// [`Failure`]; without a record it says what the core does instead, and with the wrong image, which
/// one was wanted, after the record without it.
pub fn run(options: &CrashOptions) -> Result<(), Failure> {
    let has_crashed = |core: &Found| {
        let region = core.region();
        region.is_ok_and(|region| region.header().state.get() == State::Crashed)
    };
    let core = Found::find(&options.device.device, options.cpu, has_crashed, "crashed")?;
    let region = core.published()?;
    let header = region.header();
    let file = options.image.as_deref().map(read_image).transpose()?;
    let wrong = match (&options.image, &file) {
        (Some(path), Some(bytes)) => wrong_image(header, path, bytes)?,
        _ => None,
    };
    let image = file.as_deref().filter(|_| wrong.is_none());
    let symbols = image.map(Symbols::parse).transpose();
    let symbols = symbols.map_err(|error| Failure::Message(error.to_string()))?;
    let Ok(text) = crash(header, symbols.as_ref()) else {
        return Err(Failure::Message(no_record(&core.facts()?)));
    };
    print(&format!("{}\n{text}", headline(&core, header)))?;
    let log = image.map(|image| log::last(&core, image, LOG_LINES));
    if let Some(lines) = log.filter(|lines| !lines.is_empty()) {
        print(&format!("\nlast log:\n{}\n", lines.join("\n")))?;
    }
    print(&format!(
        "\n{}",
        what_to_do(&core, header, options.image.is_some())?
    ))?;
    wrong.map_or(Ok(()), |why| Err(Failure::Message(why)))
}

fn headline(core: &Found, header: &Header) -> String {
    let mut line = format!("{}, epoch {}: crashed", core.place, header.state.epoch());
    if let (Some(scene), Some(scale)) = (header.scene.read(), header.time.read()) {
        let ago = now().saturating_sub(scale.monotonic_ns(scene.tsc));
        line += &format!(" {} ago", length(ago));
    }
    if let Some(build) = header.build.read() {
        line += &format!(", build {build}");
    }
    line
}

/// Why the file is not what the core ran; `None` if it is, or nobody can tell.
///
/// # Errors
/// [`Failure`] if it is no ELF file.
pub fn wrong_image(header: &Header, path: &Path, file: &[u8]) -> Result<Option<String>, Failure> {
    let name = path.display();
    let found = compare_build(header, file);
    let found = found.map_err(|error| Failure::Message(format!("{name}: {error}")))?;
    let Match::Other { core, file } = found else {
        return Ok(None);
    };
    let verb = match header.state.get() {
        State::Crashed => "crashed",
        State::Offline => "ran",
        _ => "runs",
    };
    let is = file.map_or_else(
        || "has no build id".to_owned(),
        |id| format!("is build {id}"),
    );
    Ok(Some(format!(
        "{name} is not the image that {verb}: that is build {core}, and the file {is}. \
         Give the file that was started: one built anew is another one (`readelf -n FILE` prints a file's build id)"
    )))
}

/// The last lines.
fn what_to_do(core: &Found, header: &Header, has_image: bool) -> Result<String, Failure> {
    let Some(cpu) = core.cpu else {
        return Ok(
            "a hosted core leaves its message only: where it panicked is on its program's standard error\n"
                .to_owned(),
        );
    };
    let mut text = String::new();
    if !has_image && header.scene.read().is_some() {
        text += "for functions, files and lines: --image FILE, the image that was started\n";
    }
    text += &match core.returned()? {
        Some(false) => format!(
            "`offsched stop --cpu {cpu}` gives the CPU back to Linux; the record stays until the next start there\n"
        ),
        _ => format!("Linux has CPU {cpu}; the next start there overwrites this record\n"),
    };
    Ok(text)
}

/// What a core without a record does, or did.
fn no_record(core: &CoreFacts) -> String {
    let place = &core.place;
    let not_done = core.not_done().join(", ");
    if core.state == State::Offline {
        return match not_done.as_str() {
            "" => format!("no crash record: the image on {place} ended without a crash"),
            tasks => format!(
                "no crash record: the image on {place} ended without a crash, and without an end of {tasks}. If its CPU \
                 was taken before it was asked to end (`offsched return`), that leaves no record"
            ),
        };
    }
    let state = core.state;
    let idle = core.heartbeat_age_ns.map_or_else(
        || "never idle so far".to_owned(),
        |age| format!("last idle {} ago", length(age)),
    );
    if !core.is_stuck() {
        return format!("no crash record: {place} is {state}, {idle}: it looks well");
    }
    let busy = match not_done.as_str() {
        "" => String::new(),
        tasks => format!(", not done: {tasks}"),
    };
    let stop = core.cpu.map_or_else(
        || "end its program".to_owned(),
        |cpu| {
            format!("`offsched stop --cpu {cpu}` takes the CPU back all the same, and then there is a record of where it was")
        },
    );
    format!(
        "no crash record: {place} is {state}, {idle}{busy}. It is in a long job, or wedged: {stop}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cores::TaskFacts;

    fn core(age: Option<u64>, released: u64) -> CoreFacts {
        CoreFacts {
            state: State::Running,
            heartbeat_age_ns: age,
            tasks: vec![TaskFacts {
                name: "job".into(),
                releases: released,
                completions: 1,
                ..TaskFacts::default()
            }],
            ..CoreFacts::silent("CPU 1".into(), Some(1), false, 2)
        }
    }

    #[test]
    fn a_wedge_is_told_from_a_core_that_is_well() {
        assert_eq!(
            no_record(&core(Some(2_100_000_000), 2)),
            "no crash record: CPU 1 is running, last idle 2.1 s ago, not done: job. It is in a long job, or wedged: \
             `offsched stop --cpu 1` takes the CPU back all the same, and then there is a record of where it was"
        );
        let well = no_record(&core(Some(900), 2));
        assert!(
            well.ends_with("last idle 900 ns ago: it looks well"),
            "{well}"
        );
        let elsewhere = no_record(&core(Some(60_000_000_000), 1));
        assert!(
            elsewhere.contains("last idle 60.0 s ago. It is in a long job, or wedged"),
            "{elsewhere}"
        );
        let init = no_record(&CoreFacts {
            state: State::Starting,
            ..core(None, 1)
        });
        assert!(
            init.contains("is starting, never idle so far. It is in a long job"),
            "{init}"
        );
    }

    #[test]
    fn a_core_whose_cpu_was_taken_says_what_was_not_done() {
        let ended = |releases| {
            no_record(&CoreFacts {
                state: State::Offline,
                returned: Some(true),
                ..core(None, releases)
            })
        };
        assert!(ended(1).ends_with("on CPU 1 ended without a crash"));
        assert!(
            ended(2).contains("without an end of job. If its CPU was taken before it was asked")
        );
    }
}
