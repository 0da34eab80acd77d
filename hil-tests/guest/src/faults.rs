//! Images that go wrong: the core says why, Linux lives, the CPU comes back.
//! Each fault as often as asked for.

use std::time::Duration;

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::hostile::halting;
use crate::rig::Rig;

/// Each crash and the words that its message must have.
const CRASHES: [(&str, &str); 11] = [
    ("panic", "a drill"),
    ("page_fault", "page fault at 0x1000"),
    ("write_code", "page fault at 0x4000"),
    ("write_params", "page fault at 0x60000000"),
    // A fetch, of a page that is there.
    ("run_data", ", error 0x11"),
    ("run_stack", ", error 0x11"),
    ("divide", "divide error"),
    ("protection", "general protection fault"),
    ("opcode", "invalid opcode"),
    ("overflow", "stack overflow"),
    ("double_fault", "double fault"),
];

/// Between two words about how far a case is.
const ROUNDS: u32 = 100;

pub fn cases() -> Vec<Case> {
    let crashes = CRASHES.map(|(name, words)| {
        Case::new(format!("crash {name}"), move |rig| {
            again(rig, |_| crash(rig, name, words))
        })
    });
    let mut all = Vec::from(crashes);
    all.push(Case::new("wedge", |rig| again(rig, |_| wedge(rig))));
    all.push(Case::new("no sign of life", |rig| {
        again(rig, |_| dead(rig))
    }));
    all.push(Case::new("machine check", |rig| again(rig, |_| machine_check(rig))).with_harness());
    all
}

/// As often as asked for; now and then it says how far it is, so that a long run is not taken for a guest that hangs.
pub fn again(rig: &Rig, fault: impl Fn(u32) -> Outcome) -> Outcome {
    for round in 1..=rig.faults {
        fault(round).map_err(|why| format!("round {round}: {why}"))?;
        if round.is_multiple_of(ROUNDS) {
            println!("round {round} of {}", rig.faults);
        }
    }
    Ok(())
}

fn crash(rig: &Rig, name: &str, words: &str) -> Outcome {
    let core = rig.start(name)?;
    let state = core.wait(&[State::Crashed, State::Offline])?;
    let (printed, message) = (core.console(), core.crash()?);
    core.give_back()?;
    if state == State::Crashed && message.contains(words) && printed == "before\n" {
        Ok(())
    } else {
        Err(format!("{state}, said: {message}\nprinted: {printed}"))
    }
}

/// Interrupts off for good: no stop is heard, and the CPU comes back all the same. Who was asked leaves a record.
fn wedge(rig: &Rig) -> Outcome {
    for (asked, left) in [(true, State::Crashed), (false, State::Offline)] {
        let mut core = rig.start("wedge")?;
        core.wait_for_text("before")?;
        if asked {
            core.device
                .ask_to_stop()
                .map_err(|error| error.to_string())?;
            std::thread::sleep(Duration::from_millis(200));
        }
        let before = core.state()?;
        core.take()?;
        let (state, crash) = (core.state()?, core.crash()?);
        let words = if asked { "did not end when asked" } else { "" };
        if (before, state) != (State::Running, left) || crash != words {
            return Err(format!(
                "asked {asked}: it was {before} and is {state}: {crash}"
            ));
        }
    }
    Ok(())
}

/// The module gives up, and the CPU is Linux's again.
fn dead(rig: &Rig) -> Outcome {
    const EIO: i32 = 5;
    let device = rig.device()?;
    device
        .load(rig.cpu, &halting())
        .map_err(|error| format!("load: {error}"))?;
    match device.start() {
        Err(error) if error.raw_os_error() == Some(EIO) => rig.check_returned(),
        other => Err(format!("{other:?}")),
    }
}

/// An uncorrected error, injected from outside while the core idles.
fn machine_check(rig: &Rig) -> Outcome {
    let core = rig.start("quiet")?;
    core.wait_for_text("after")?;
    rig.ask(&format!("machine-check {}", rig.cpu))?;
    let state = core.wait(&[State::Crashed, State::Offline])?;
    let message = core.crash()?;
    core.give_back()?;
    if state == State::Crashed && message.starts_with("machine check, bank 1 status 0xb2") {
        Ok(())
    } else {
        Err(format!("{state}, said: {message}"))
    }
}
