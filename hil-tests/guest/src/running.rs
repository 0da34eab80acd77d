//! A core that runs as it should: interrupts, stops, NMIs.

use std::fs;
use std::time::Duration;

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::clients::printed_by;
use crate::faults::again;
use crate::rig::{Offloaded, Rig};

const STOPS: u32 = 10;
const LOOKS: u32 = 20;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("strays are counted", |rig| again(rig, |_| strays(rig))),
        Case::new("interrupts keep registers", keep),
        Case::new("stop a core that runs", stop),
        Case::new("stop a core that starts", stop_at_once),
        Case::new("a polling app under a hypervisor is told of", poll_refused),
    ]
}

/// Linux broadcasts, so there may be more than the drill's own three.
fn strays(rig: &Rig) -> Outcome {
    let core = rig.start("strays")?;
    core.wait(&[State::Running])?;
    std::thread::sleep(Duration::from_millis(50));
    core.device
        .ask_to_stop()
        .map_err(|error| error.to_string())?;
    core.wait(&[State::Offline])?;
    let (strays, nmis) = core.counters()?;
    let printed = core.console();
    core.give_back()?;
    if strays >= 3 && nmis == 1 && printed == "before\nafter\n-- stopped as asked\n" {
        Ok(())
    } else {
        Err(format!("{strays} strays, {nmis} NMIs, printed: {printed}"))
    }
}

/// For a machine whose processors tell of no hypervisor: that this is one, and that an idle core's clock is looked at all
/// the time there. A core that halts looks every 100 ms.
pub fn polls() -> Case {
    Case::new("an idle core polls", |rig| {
        if hypervisor()? {
            return Err("the processors tell of a hypervisor".to_owned());
        }
        let core = rig.start("quiet")?;
        core.wait_for_text("after")?;
        let mut most = 0;
        for _ in 0..STOPS {
            most = most.max(beats(&core)?);
        }
        core.give_back()?;
        println!("note an idle core moves on in {most} of {LOOKS} looks");
        if most > LOOKS / 2 {
            Ok(())
        } else {
            Err(format!("it moves on in {most} of {LOOKS} looks"))
        }
    })
}

/// In how many of so many looks, a ms or more apart, the idle loop has looked at the clock since the last.
fn beats(core: &Offloaded<'_>) -> Result<u32, String> {
    let (_, mut seen) = core.heartbeat()?;
    let mut beats = 0;
    for _ in 0..LOOKS {
        std::thread::sleep(Duration::from_millis(1));
        let (_, now) = core.heartbeat()?;
        beats += u32::from(now != seen);
        seen = now;
    }
    Ok(beats)
}

fn hypervisor() -> Result<bool, String> {
    let flags = fs::read_to_string("/proc/cpuinfo").map_err(|error| error.to_string())?;
    Ok(flags.split_whitespace().any(|flag| flag == "hypervisor"))
}

/// Halted only where there is a hypervisor, and then `status` says so; one that has turns of its own polls.
fn poll_refused(rig: &Rig) -> Outcome {
    let hypervisor = hypervisor()?;
    for (name, halts) in [("steady", hypervisor), ("idle", false)] {
        let core = rig.start(name)?;
        let told = printed_by(rig.program("offsched").arg("status"))?;
        core.give_back()?;
        if told.contains("halts in idle: its app would poll") != halts {
            return Err(format!("{name}, hypervisor {hypervisor}: {told}"));
        }
    }
    Ok(())
}

fn keep(rig: &Rig) -> Outcome {
    let core = rig.start("keep")?;
    let state = core.wait(&[State::Offline, State::Crashed])?;
    let (printed, crash) = (core.console(), core.crash()?);
    core.give_back()?;
    if state == State::Offline && printed == "all the same\n-- stopped as asked\n" {
        Ok(())
    } else {
        Err(format!("{state}: {crash}\nprinted: {printed}"))
    }
}

/// A stop that comes while the image starts is not lost.
fn stop_at_once(rig: &Rig) -> Outcome {
    for round in 1..=STOPS {
        let core = rig.start("quiet")?;
        core.device
            .ask_to_stop()
            .map_err(|error| error.to_string())?;
        let state = core.wait(&[State::Offline, State::Crashed])?;
        let (printed, crash) = (core.console(), core.crash()?);
        core.give_back()?;
        if state == State::Crashed || !printed.ends_with("-- stopped as asked\n") {
            return Err(format!(
                "round {round}: {state}: {crash}\nprinted: {printed}"
            ));
        }
    }
    Ok(())
}

fn stop(rig: &Rig) -> Outcome {
    let core = rig.start("quiet")?;
    core.wait(&[State::Running])?;
    std::thread::sleep(Duration::from_millis(50));
    let state = core.state()?;
    core.device
        .ask_to_stop()
        .map_err(|error| error.to_string())?;
    core.wait(&[State::Offline])?;
    let printed = core.console();
    core.give_back()?;
    if state == State::Running && printed == "before\nafter\n-- stopped as asked\n" {
        Ok(())
    } else {
        Err(format!("was {state}, printed: {printed}"))
    }
}
