//! Why and where a core crashed.

use std::fmt::{self, Write};

use offsched_abi::header::{CrashKind, Header, REGISTER_NAMES, Registers, Scene, State, TraceEnd};

use crate::symbols::{Place, Symbols};
use crate::text::printable;

/// Why there is no crash to tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCrash {
    /// What the core is doing.
    pub state: State,
}

impl fmt::Display for NoCrash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no crash: the core is {}", self.state)
    }
}

impl std::error::Error for NoCrash {}

/// What is known of a crash, in lines: message, backtrace, registers. Without symbols the
/// backtrace has addresses only.
///
/// The backtrace is the chain of frame pointers as the core found it. A function links itself into the
/// chain with its first instructions: where one faults before that is done, as an overflow of the stack
/// may let it, it is named, its caller is missing, and its caller's caller follows. A function that
/// ended in a jump to another one (a tail call) is missing too. What was inlined is told from the line
/// tables and is all there.
///
/// # Errors
/// [`NoCrash`] if the core has not crashed.
pub fn crash(header: &Header, symbols: Option<&Symbols<'_>>) -> Result<String, NoCrash> {
    let state = header.state.get();
    let message = header.crash.read();
    let scene = header.scene.read();
    if state != State::Crashed && scene.is_none() {
        return Err(NoCrash { state });
    }
    let mut text = String::new();
    let said = match message.as_str() {
        "" => "no message: it could not say why",
        said => said,
    };
    push(&mut text, format_args!("{}", printable(said)));
    let Some(scene) = scene else {
        push(
            &mut text,
            format_args!("no registers and no backtrace were left"),
        );
        return Ok(text);
    };
    if let Some(scale) = header.time.read() {
        let ns = scale.monotonic_ns(scene.tsc);
        let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
        push(
            &mut text,
            format_args!("at {seconds}.{rest:09} s of CLOCK_MONOTONIC"),
        );
    }
    backtrace(&mut text, &scene, symbols);
    registers(&mut text, &scene);
    Ok(text)
}

/// Where the code that panics for others lives, and the image's panic handler.
const PANICKING: [&str; 3] = ["core::", "__rustc::", "offsched_bare::fault::"];

fn backtrace(text: &mut String, scene: &Scene, symbols: Option<&Symbols<'_>>) {
    push(text, format_args!("\nbacktrace, innermost first:"));
    let frames: Vec<(u64, Vec<Place>)> = scene
        .trace
        .addresses()
        .iter()
        .enumerate()
        .map(|(index, address)| {
            // What is behind a return address may be the next function: the call is before it.
            let exact = index == 0 && scene.kind == CrashKind::Fault;
            let looked_up = address.wrapping_sub(u64::from(!exact));
            let places = symbols.map_or_else(Vec::new, |symbols| symbols.places(looked_up));
            (*address, places)
        })
        .collect();
    let own = match scene.kind {
        CrashKind::Panic => frames.iter().take_while(|(_, at)| panics(at)).count(),
        CrashKind::Fault | CrashKind::Refused => 0,
    };
    if own > 1 {
        push(
            text,
            format_args!("   0 to {} are the panic itself", own - 1),
        );
    }
    let mut index = if own > 1 { own } else { 0 };
    let shown = frames.get(index..).unwrap_or_default();
    for again in shown.chunk_by(|one, next| one.0 == next.0) {
        if let Some((address, places)) = again.first() {
            frame(text, index, *address, places);
        }
        if again.len() > 1 {
            push(
                text,
                format_args!("      and {} more of the same", again.len() - 1),
            );
        }
        index += again.len();
    }
    let end = match scene.trace.end {
        TraceEnd::Entry => return,
        TraceEnd::Room => "there is more: the record has no room for it",
        TraceEnd::Broken => {
            "it ends here: what follows is no frame (an image built without \
             -Cforce-frame-pointers=yes has none)"
        }
    };
    push(text, format_args!("      {end}"));
}

fn frame(text: &mut String, index: usize, address: u64, places: &[Place]) {
    let mut places = places.iter();
    let first = places.next().cloned().unwrap_or_default();
    push(
        text,
        format_args!("{index:4}  {address:#018x}  {}", line(&first)),
    );
    for place in places {
        push(text, format_args!("{:26}{}", "", line(place)));
    }
}

/// True for a function that only carries out a panic of others.
fn panics(places: &[Place]) -> bool {
    let function = places.last().and_then(|place| place.function.as_ref());
    function.is_some_and(|name| PANICKING.iter().any(|start| name.starts_with(start)))
}

fn line(place: &Place) -> String {
    printable(&place.to_string()).replace('\n', "\\n")
}

fn registers(text: &mut String, scene: &Scene) {
    let known = |name: &str| match scene.kind {
        CrashKind::Fault => true,
        // A panic is a call: what else is in the registers is nobody's any more.
        CrashKind::Panic | CrashKind::Refused => {
            ["rip", "rsp", "rbp", "rflags", "cr3"].contains(&name)
        }
    };
    push(text, format_args!("\nregisters:"));
    let named = REGISTER_NAMES.iter().zip(words(&scene.registers));
    let shown: Vec<String> = named
        .filter(|(name, _)| known(name))
        .map(|(name, value)| format!("{name:>6} {value:016x}"))
        .collect();
    for row in shown.chunks(4) {
        push(text, format_args!("{}", row.join(" ")));
    }
}

fn words(registers: &Registers) -> impl Iterator<Item = u64> {
    registers.to_words().into_iter()
}

fn push(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
