//! A guest, from power on to power off.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::parts::{Kernel, Qemu};
use crate::report::Report;
use crate::uart;

/// The machine that a guest gets.
pub struct Machine {
    pub cpus: u32,
    pub x2apic: bool,
    /// Seconds after which it counts as hung.
    pub patience: u64,
}

const LOOK: Duration = Duration::from_millis(50);

impl Machine {
    /// Boots, waits for the end, and reads what the cases printed.
    pub fn run(
        &self,
        qemu: &Qemu,
        kernel: &Kernel,
        initramfs: &Path,
        work: &Path,
    ) -> Result<Report, String> {
        println!(
            "booting {}, {} CPUs{}",
            kernel.release,
            self.cpus,
            if self.x2apic { ", x2APIC" } else { "" }
        );
        let kernel_log = work.join("kernel.log");
        let cases_log = work.join("cases.log");
        let mut command = self.command(qemu, kernel, initramfs);
        let core_log = work.join("core.log");
        for log in [&kernel_log, &cases_log, &core_log] {
            command
                .arg("-serial")
                .arg(format!("file:{}", log.display()));
        }
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start QEMU: {error}"))?;
        let ended = wait(child, Duration::from_secs(self.patience))?;
        let cases =
            fs::read(&cases_log).map_err(|error| format!("{}: {error}", cases_log.display()))?;
        let mut report = Report::parse(&String::from_utf8_lossy(&cases));
        if !ended || !report.complete {
            let kernel = fs::read(&kernel_log).unwrap_or_default();
            report.cut_short(ended, &String::from_utf8_lossy(&kernel));
        }
        report.case("emergency console on a UART", uart::check(&core_log));
        Ok(report)
    }

    /// QEMU's command line, but for where its serial lines go: the kernel's log, then ours.
    pub fn command(&self, qemu: &Qemu, kernel: &Kernel, initramfs: &Path) -> Command {
        let mut command = Command::new(&qemu.program);
        let mut libraries = qemu.libraries.clone();
        libraries.extend(
            std::env::var_os("LD_LIBRARY_PATH")
                .iter()
                .flat_map(std::env::split_paths),
        );
        if let Ok(libraries) = std::env::join_paths(libraries) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        for folder in qemu.firmware.iter().filter(|folder| folder.exists()) {
            command.arg("-L").arg(folder);
        }
        // With `monitor` an idle processor of the guest spins.
        command.args([
            "-nodefaults",
            "-no-reboot",
            "-display",
            "none",
            "-M",
            "q35",
            "-m",
            "512",
        ]);
        command.args(["-cpu", "max,monitor=off", "-accel", "tcg,thread=multi"]);
        command.arg("-smp").arg(self.cpus.to_string());
        command
            .arg("-kernel")
            .arg(&kernel.image)
            .arg("-initrd")
            .arg(initramfs);
        let mut line = "console=ttyS0 panic=-1".to_owned();
        if self.x2apic {
            // Linux uses it under TCG only with interrupt remapping.
            command.args(["-device", "intel-iommu,intremap=on,eim=on"]);
            line += " intel_iommu=on";
        }
        command.arg("-append").arg(line);
        command
    }
}

/// True if it ended by itself.
fn wait(mut child: Child, patience: Duration) -> Result<bool, String> {
    let begin = Instant::now();
    while begin.elapsed() < patience {
        match child.try_wait().map_err(|error| format!("QEMU: {error}"))? {
            Some(status) if status.success() => return Ok(true),
            Some(status) => return Err(format!("QEMU: {status}")),
            None => std::thread::sleep(LOOK),
        }
    }
    child
        .kill()
        .and_then(|()| child.wait())
        .map_err(|error| format!("QEMU hangs: {error}"))?;
    Ok(false)
}
