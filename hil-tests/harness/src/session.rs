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

/// Where the kernel hands over to the guest's own programs. One that never came so far has met nothing of ours: under TCG a
/// stock kernel now and then loses a timer while it starts, and waits for ever.
const UP: &str = "Run /init as init process";

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
    /// Boots a machine for a scenario; once more if what went wrong first was Linux's own. Once a kernel; again it would be
    /// no accident. It is counted.
    pub fn try_twice(&self, machine: &Machine, scenario: Scenario) -> Result<Report, String> {
        let Run { report, kernel_log } = self.boot(machine, scenario)?;
        let excuse = report
            .first_complaint()
            .and_then(|why| excuse(why, &kernel_log));
        let Some(excuse) = excuse.filter(|_| !self.again.replace(true)) else {
            return Ok(report);
        };
        report.print(scenario.title(), Duration::ZERO);
        println!("  {excuse}: once more");
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
        // A longer command line moves the phase of what is measured, and nothing else.
        let options = self.options.iter().filter(|_| scenario != Scenario::Timing);
        arguments.extend(options.cloned());
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

/// Why the first thing that went wrong in a boot is not ours.
fn excuse(complaint: &str, kernel_log: &str) -> Option<&'static str> {
    if complaint.contains(LEFT_BEHIND) {
        Some("Linux left a task on a CPU that went")
    } else if !kernel_log.contains(UP) {
        Some("the kernel did not get to its first program")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_linuxs_own_is_excused() {
        let up = format!("[    2.5] {UP}\n");
        assert_eq!(excuse("fail a case: not so", &up), None);
        assert_eq!(excuse("fail the guest hangs", &up), None);
        assert!(excuse("fail the guest hangs", "[    2.4] clocksource: tsc\n").is_some());
        let left = format!("fail a case: {LEFT_BEHIND}+0x1/0x2");
        assert!(excuse(&left, &up).is_some());
    }
}
