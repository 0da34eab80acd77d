//! Every example app prints what it prints on the other ports.

use offsched_abi::header::State;

use crate::rig::Rig;
use crate::{Outcome, Report};

pub fn run(rig: &Rig, report: &mut Report) {
    match rig.expected() {
        Ok(expected) => {
            for (app, text) in expected {
                report.case(&format!("app {app}"), || check(rig, &app, &text));
            }
        }
        Err(why) => report.case("apps", || Err(why)),
    }
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
