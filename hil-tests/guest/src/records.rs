//! The record of each crash, decoded as `offsched crash` does it: functions,
//! files, lines and registers are those of the drill.

use offsched_abi::header::{Registers, State};
use offsched_decode::{Symbols, crash};

use crate::Outcome;
use crate::case::Case;
use crate::faults::again;
use crate::rig::Rig;

/// A crash, and what its record must have.
struct Record {
    drill: &'static str,
    /// A piece of the message.
    words: &'static str,
    /// The function that failed, and one further out.
    functions: [&'static str; 2],
    registers: fn(&Registers) -> bool,
    /// The backtrace goes to the entry.
    whole: bool,
}

const RECORDS: [Record; 13] = [
    Record {
        drill: "early",
        words: "page fault at 0x1000, error 0x0",
        functions: [" wild_read at ", "offsched_bare::run::run"],
        registers: |r| r.vector == 14 && r.cr2 == 0x1000,
        whole: true,
    },
    Record {
        drill: "uart",
        words: "over the wire",
        functions: ["faults::last_words at ", "uart::app::"],
        registers: |r| r.rip != 0,
        whole: true,
    },
    Record {
        drill: "panic",
        words: "a drill",
        functions: ["faults::panic at ", "panic::app::"],
        registers: |r| r.rip != 0 && r.rsp != 0,
        whole: true,
    },
    Record {
        drill: "nested",
        words: "on top of a job",
        functions: [" urgent at ", "nested::interrupted at "],
        registers: |r| r.rip != 0,
        whole: true,
    },
    Record {
        drill: "page_fault",
        words: "page fault at 0x1000, error 0x0",
        functions: [" wild_read at ", "page_fault::app::"],
        registers: |r| r.vector == 14 && r.cr2 == 0x1000,
        whole: true,
    },
    Record {
        drill: "write_code",
        words: "page fault at 0x4000",
        functions: [" write_code at ", "write_code::app::"],
        registers: |r| r.vector == 14 && r.error == 3,
        whole: true,
    },
    Record {
        drill: "write_params",
        words: "page fault at 0x60000000, error 0x3",
        functions: [" write_params at ", "write_params::app::"],
        registers: |r| r.vector == 14 && r.cr2 == 0x6000_0000,
        whole: true,
    },
    Record {
        drill: "divide",
        words: "divide error",
        functions: [" divide at ", "divide::app::"],
        registers: |r| r.vector == 0 && r.rcx == 0 && r.rdx == 0,
        whole: true,
    },
    Record {
        drill: "protection",
        words: "general protection fault",
        functions: [" protection at ", "protection::app::"],
        registers: |r| r.vector == 13 && r.error == 0,
        whole: true,
    },
    Record {
        drill: "opcode",
        words: "invalid opcode",
        functions: [" opcode at ", "opcode::app::"],
        registers: |r| r.vector == 6,
        whole: true,
    },
    Record {
        drill: "double_fault",
        words: "double fault",
        functions: [" protection at ", "double_fault::app::"],
        registers: |r| r.vector == 8,
        whole: true,
    },
    Record {
        drill: "overflow",
        words: ", stack overflow",
        functions: ["faults::deeper at ", "faults::deeper at "],
        registers: |r| r.vector == 14 && r.rsp.abs_diff(r.cr2) < 4096,
        whole: false,
    },
    Record {
        drill: "wedge",
        words: "did not end when asked",
        functions: [" wedge at ", "wedge::app::"],
        // With interrupts off.
        registers: |r| r.vector == 2 && r.rflags & 1 << 9 == 0,
        whole: true,
    },
];

pub fn cases() -> Vec<Case> {
    let mut all: Vec<_> = RECORDS
        .iter()
        .map(|record| {
            let name = format!("record of {}", record.drill);
            Case::new(name, |rig| match record.drill {
                // Those that are no case of `faults`: as often as its own.
                "early" | "nested" => again(rig, |_| check(rig, record)),
                _ => check(rig, record),
            })
        })
        .collect();
    all.push(Case::new("stack use", stack_use));
    all
}

fn check(rig: &Rig, record: &Record) -> Outcome {
    let mut core = rig.start(record.drill)?;
    if record.drill == "wedge" {
        core.wait_for_text("before")?;
        let asked = core.device.ask_to_stop();
        asked.map_err(|error| format!("stop: {error}"))?;
    } else {
        core.wait(&[State::Crashed, State::Offline])?;
    }
    core.take()?;
    let file = rig.image(record.drill)?;
    let symbols = Symbols::parse(&file).map_err(|error| error.to_string())?;
    let region = core.shared.region().map_err(|error| error.to_string())?;
    let text = crash(region.header(), Some(&symbols)).map_err(|error| error.to_string())?;
    let scene = region.header().scene.read().ok_or("no scene")?;
    let [inner, outer] = record.functions;
    let first = text.find(inner).ok_or_else(|| missing(inner, &text))?;
    text[first..]
        .find(outer)
        .ok_or_else(|| missing(outer, &text))?;
    for piece in [record.words, "src/"] {
        text.find(piece).ok_or_else(|| missing(piece, &text))?;
    }
    if record.whole == text.contains("there is more") || text.contains("it ends here") {
        return Err(format!("the backtrace ends in the wrong way:\n{text}"));
    }
    if !(record.registers)(&scene.registers) {
        return Err(format!("not the registers of this fault:\n{text}"));
    }
    match record.drill {
        "panic" => same_line(&text),
        _ => Ok(()),
    }
}

fn missing(piece: &str, text: &str) -> String {
    format!("no `{piece}` in:\n{text}")
}

/// The message says where it panicked; the backtrace must name the same file and line.
fn same_line(text: &str) -> Outcome {
    let message = text.lines().next().unwrap_or_default();
    let place = message
        .strip_prefix("panicked at ")
        .and_then(|place| place.rsplit_once(':'))
        .and_then(|(place, _)| place.rsplit_once(':'))
        .map(|(place, _column)| place)
        .ok_or_else(|| missing("panicked at FILE:LINE:COLUMN", text))?;
    let wanted = text
        .lines()
        .find(|line| line.contains("faults::panic at "))
        .unwrap_or_default();
    let file_and_line = place.rsplit('/').next().unwrap_or(place);
    if wanted.ends_with(file_and_line) && file_and_line.contains(':') {
        Ok(())
    } else {
        Err(format!(
            "panicked at {place}, but the backtrace has: {wanted}"
        ))
    }
}

/// Some of the stack was used, and after an overflow all of it.
fn stack_use(rig: &Rig) -> Outcome {
    let mut used = Vec::new();
    for drill in ["panic", "overflow"] {
        let core = rig.start(drill)?;
        core.wait(&[State::Crashed])?;
        let region = core.shared.region().map_err(|error| error.to_string())?;
        let telemetry = region.core();
        let read =
            |word: &std::sync::atomic::AtomicU64| word.load(std::sync::atomic::Ordering::Relaxed);
        used.push((read(&telemetry.stack_used), read(&telemetry.stack_bytes)));
        core.give_back()?;
    }
    match used[..] {
        [(little, bytes), (all, same)]
            if little > 0 && little < bytes / 2 && bytes == same && all > bytes - 2048 =>
        {
            println!("note stack of a panic: {little} of {bytes} bytes");
            Ok(())
        }
        _ => Err(format!("used and whole, bytes: {used:?}")),
    }
}
