//! Boots of one kernel: what goes in, what comes out.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::guest::{CORE_LOG, Guest};
use crate::machine::{Boot, Machine};
use crate::parts::{Kernel, Qemu};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::uart;

/// What Linux says when its scheduler takes a CPU out that still has a task, before anything of ours has it.
const LEFT_BEHIND: &str = "Dying CPU not properly vacated!";

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
}

/// A boot, from power on to power off.
pub struct Run {
    pub report: Report,
    pub kernel_log: String,
}

impl Session<'_> {
    /// Boots a machine for a scenario; once more if Linux's own hot-unplug went wrong. Its 6.12 can leave a task behind
    /// on a CPU that goes, which then never runs, if the host stops a processor for seconds at the wrong time.
    pub fn try_twice(&self, machine: &Machine, scenario: Scenario) -> Result<Report, String> {
        let first = self.boot(machine, scenario)?;
        if first.report.failed == 0 || !first.kernel_log.contains(LEFT_BEHIND) {
            return Ok(first.report);
        }
        println!("  the kernel says: {LEFT_BEHIND}: once more");
        let mut report = self.boot(machine, scenario)?.report;
        report.note(format!(
            "{}: booted twice; at first the kernel said: {LEFT_BEHIND}",
            scenario.title()
        ));
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
