//! Two cores at once, one of them crashing: the other goes on.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::rig::{Offloaded, Rig};

/// What the other core does meanwhile.
const CRASHES: [&str; 4] = ["panic", "page_fault", "overflow", "wedge"];

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a core beside one that crashes", beside).with_cpus(3),
        Case::new("two cores, each its own image", two).with_cpus(3),
    ]
}

/// Time is the host's here, so its deadlines are only told; [`deadlines`] checks them.
fn beside(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    crash_other(rig)?;
    core.check_alive()?;
    let (completions, misses) = jobs(&core)?;
    core.give_back()?;
    println!("note beside a crash: {completions} jobs, {misses} late in the host's time");
    Ok(())
}

/// In counted time, where nobody but Linux and the two cores takes any.
pub fn deadlines(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    std::thread::sleep(Duration::from_millis(50));
    let (before, _) = jobs(&core)?;
    crash_other(rig)?;
    std::thread::sleep(Duration::from_millis(50));
    let (completions, misses) = jobs(&core)?;
    core.check_alive()?;
    core.give_back()?;
    println!("note beside a crash, counted time: {completions} jobs, {misses} misses");
    if misses == 0 && completions > before && before > 0 {
        Ok(())
    } else {
        Err(format!(
            "{misses} of {completions} deadlines missed, {before} jobs before the crash"
        ))
    }
}

fn crash_other(rig: &Rig) -> Outcome {
    let other = rig.on(rig.cpu + 1);
    for image in CRASHES {
        let core = other.start(image)?;
        core.wait_for_text("before")?;
        if image != "wedge" {
            core.wait(&[State::Crashed])?;
        }
        core.give_back().map_err(|why| format!("{image}: {why}"))?;
    }
    Ok(())
}

/// Jobs that the only task has ended, and how many of them too late.
fn jobs(core: &Offloaded<'_>) -> Result<(u64, u64), String> {
    let region = core.shared.region().map_err(|error| error.to_string())?;
    let task = region.tasks().first().ok_or("the image has no task")?;
    Ok((task.completions.load(Relaxed), task.misses.load(Relaxed)))
}

fn two(rig: &Rig) -> Outcome {
    let other = rig.on(rig.cpu + 1);
    let (one, two) = (rig.start("steady")?, other.start("quiet")?);
    two.wait_for_text("after")?;
    one.check_alive()?;
    let printed = one.console();
    two.give_back()?;
    one.check_alive()?;
    one.give_back()?;
    if printed.is_empty() {
        Ok(())
    } else {
        Err(format!("one printed what the other did: {printed}"))
    }
}
