//! Figures in counted time: two boots that must not differ in anything, and
//! a budget for each figure.

use std::path::Path;

use crate::budgets::Budgets;
use crate::machine::{Machine, Time};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::session::{Run, Session};

/// The machine whose figures have budgets.
const MACHINE: Machine = Machine {
    cpus: 2,
    x2apic: false,
    time: Time::Counted,
};

/// The machine for two cores at once.
const FOUR: Machine = Machine { cpus: 4, ..MACHINE };

/// A case for which time is counted, so that a busy host takes none of it.
pub fn counted(session: &Session<'_>, scenario: Scenario) -> Result<Report, String> {
    let machine = match scenario {
        Scenario::Deadlines => FOUR,
        _ => MACHINE,
    };
    Ok(session.boot(&machine, scenario)?.report)
}

/// Measures, compares and judges; with `bless` writes the budgets instead.
pub fn run(session: &Session<'_>, root: &Path, bless: bool) -> Result<Report, String> {
    let budgets = Budgets::read(root.join("hil-tests/timing/budgets.txt"))?;
    let mut report = Report::default();
    let first = session.boot(&MACHINE, Scenario::Timing)?;
    let second = session.boot(&MACHINE, Scenario::Timing)?;
    report.case("timing repeats to the cycle", same(&first, &second));
    let figures = first.report.figures.clone();
    report.add(first.report);
    if figures.is_empty() {
        report.fail("timing: no figures");
    } else if bless && report.failed == 0 {
        budgets.bless(&figures, &session.kernel.release)?;
    } else {
        budgets.judge(&figures, &session.kernel.release, &mut report);
    }
    for (name, cycles) in &figures {
        report.note(format!("{cycles:>8} cycles  {name}"));
    }
    Ok(report)
}

/// Every figure, and every line of the kernel's log with its time.
fn same(first: &Run, second: &Run) -> Result<(), String> {
    for (one, other) in first.report.figures.iter().zip(&second.report.figures) {
        if one != other {
            return Err(format!("{one:?}, then {other:?}"));
        }
    }
    if first.report != second.report {
        return Err("the runs printed different things".to_owned());
    }
    let lines = first.kernel_log.lines().zip(second.kernel_log.lines());
    match lines.clone().find(|(one, other)| one != other) {
        Some((one, other)) => Err(format!("the kernels' logs:\n{one}\n{other}")),
        None if first.kernel_log.len() != second.kernel_log.len() => {
            Err("one kernel's log is longer".to_owned())
        }
        None => Ok(()),
    }
}
