//! Every example app prints what it prints on the other ports.

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::rig::Rig;

pub fn cases(rig: &Rig) -> Vec<Case> {
    match rig.expected() {
        Ok(expected) => expected.into_iter().map(case).collect(),
        Err(why) => vec![Case::new("apps", move |_| Err(why.clone()))],
    }
}

fn case((app, text): (String, String)) -> Case {
    Case::new(format!("app {app}"), move |rig| check(rig, &app, &text))
}

fn check(rig: &Rig, app: &str, expected: &str) -> Outcome {
    let core = rig.start(app)?;
    let state = core.wait(&[State::Offline, State::Crashed])?;
    let printed = core.console();
    let crash = core.crash()?;
    core.give_back()?;
    if state == State::Crashed {
        return Err(format!("crashed: {crash}\nprinted:\n{printed}"));
    }
    if printed == expected {
        Ok(())
    } else {
        Err(format!("printed:\n{printed}\nexpected:\n{expected}"))
    }
}
