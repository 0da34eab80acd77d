//! The machine that a guest gets, as QEMU's command line.

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::parts::{Kernel, Qemu};

/// How a guest's time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// As the host's.
    Real,
    /// One instruction, one nanosecond: two runs are the same to the cycle.
    Counted,
}

/// The machine that a guest gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    pub cpus: u32,
    pub x2apic: bool,
    pub time: Time,
}

/// What is booted on it.
pub struct Boot<'a> {
    pub qemu: &'a Qemu,
    pub kernel: &'a Kernel,
    pub initramfs: &'a Path,
    /// More about its processors.
    pub processor: &'a str,
    /// More words for the kernel.
    pub words: &'a str,
    /// For the guest's program.
    pub arguments: &'a [String],
    /// Boot again when the guest wants to.
    pub reboots: bool,
}

impl Machine {
    /// The whole command line, but for where its lines and its monitor go.
    pub fn command(&self, boot: &Boot<'_>) -> Command {
        let mut command = program(boot.qemu);
        command.args(["-nodefaults", "-display", "none", "-M", "q35", "-m", "512"]);
        if !boot.reboots {
            command.arg("-no-reboot");
        }
        // With `monitor` an idle processor of the guest spins.
        let processor = format!("max,monitor=off{}", boot.processor);
        command.args(["-cpu", &processor]);
        command.arg("-smp").arg(self.cpus.to_string());
        command.arg("-kernel").arg(&boot.kernel.image);
        command.arg("-initrd").arg(boot.initramfs);
        let mut line = format!("console=ttyS0 panic=-1 {}", boot.words);
        match self.time {
            Time::Real => {
                // The kernel gives its timer 10 ticks to show, which a busy host may take, and panics.
                line += " no_timer_check";
                command.args(["-accel", "tcg,thread=multi"])
            }
            Time::Counted => {
                line += " nokaslr";
                command
                    .args(["-accel", "tcg,thread=single"])
                    .args(["-icount", "shift=0,sleep=off"])
                    .args(["-seed", "1", "-rtc", "base=2026-01-01,clock=vm"])
            }
        };
        if self.x2apic {
            // Linux uses it under TCG only with interrupt remapping.
            command.args(["-device", "intel-iommu,intremap=on,eim=on"]);
            line += " intel_iommu=on";
        }
        line += " --";
        for argument in boot.arguments {
            line += &format!(" \"{argument}\"");
        }
        command.arg("-append").arg(line);
        command
    }
}

/// QEMU with what it needs around it.
pub fn program(qemu: &Qemu) -> Command {
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
    command
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apic = if self.x2apic { "x2APIC" } else { "xAPIC" };
        write!(f, "{} CPUs, {apic}", self.cpus)?;
        match self.time {
            Time::Real => Ok(()),
            Time::Counted => f.write_str(", counted time"),
        }
    }
}
