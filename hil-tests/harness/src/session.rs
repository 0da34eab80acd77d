//! Boots of one kernel: what goes in, what comes out.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::guest::{CORE_LOG, Guest};
use crate::machine::{Boot, Machine};
use crate::parts::{Kernel, Qemu};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::uart;

/// Where Linux warns that a CPU which goes still has a task, that will never run: "Dying CPU not properly vacated!".
///
/// 6.12 can leave one behind if the host stops a processor for seconds at the wrong time. The check is made on that CPU
/// with all others stopped, before `remove_cpu` returns to the module, which has no task on it, and no part in its way
/// down: its one hot-plug callback is for the way up. So it is not ours, and the stack is the same for plain hot-plug.
const LEFT_BEHIND: &str = "sched_cpu_dying";

/// All that the boots of one kernel share.
pub struct Session<'a> {
    pub qemu: &'a Qemu,
    pub kernel: &'a Kernel,
    pub initramfs: PathBuf,
    /// For the guest's program, behind the scenario's word.
    pub options: &'a [String],
    pub patience: Duration,
    /// All cases run, none is filtered out.
    pub whole: bool,
    /// Logs go to folders in there.
    pub logs: PathBuf,
    /// A boot was made once more.
    pub again: Cell<bool>,
}

/// A boot, from power on to power off.
pub struct Run {
    pub report: Report,
    pub kernel_log: String,
}

impl Session<'_> {
    /// Boots a machine for a scenario; once more if Linux's own hot-unplug went wrong, and nothing else before that: the
    /// first failure must be the one that tells of it. Once a kernel; again it would be no accident. It is counted.
    pub fn try_twice(&self, machine: &Machine, scenario: Scenario) -> Result<Report, String> {
        let first = self.boot(machine, scenario)?.report;
        let excused = first
            .first_complaint()
            .is_some_and(|why| why.contains(LEFT_BEHIND));
        if !excused || self.again.replace(true) {
            return Ok(first);
        }
        first.print(scenario.title(), Duration::ZERO);
        println!("  Linux left a task on a CPU that went ({LEFT_BEHIND}): once more");
        let mut report = self.boot(machine, scenario)?.report;
        report.again += 1;
        report.note(format!("{}: booted twice", scenario.title()));
        Ok(report)
    }

    /// Boots a machine for a scenario.
    pub fn boot(&self, machine: &Machine, scenario: Scenario) -> Result<Run, String> {
        println!(
            "booting {}, {machine}: {}",
            self.kernel.release,
            scenario.title()
        );
        let mut arguments = vec!["--harness".to_owned(), scenario.word().to_owned()];
        arguments.extend(self.options.iter().cloned());
        let boot = Boot {
            qemu: self.qemu,
            kernel: self.kernel,
            initramfs: &self.initramfs,
            processor: scenario.processor(),
            words: scenario.kernel_words(),
            arguments: &arguments,
            reboots: scenario.reboots(),
        };
        let work = self.folder(machine, scenario)?;
        let mut guest = Guest::boot(machine, &boot, self.patience, &work)?;
        let report = scenario.follow(&mut guest);
        let path = work.join("cases.log");
        fs::write(&path, guest.said()).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut report = report?;
        if scenario == Scenario::Cases && self.whole {
            let outcome = uart::check(&work.join(CORE_LOG));
            report.case("emergency console on a UART", outcome);
        }
        let kernel_log = guest.kernel_log();
        Ok(Run { report, kernel_log })
    }

    fn folder(&self, machine: &Machine, scenario: Scenario) -> Result<PathBuf, String> {
        let apic = if machine.x2apic { "-x2apic" } else { "" };
        let folder = self.logs.join(format!(
            "{}-{}{apic}-{}",
            self.kernel.release,
            machine.cpus,
            scenario.word()
        ));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }
}
