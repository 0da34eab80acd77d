//! What makes a core's figures unrepresentative on this machine, and what to
//! do about it: one line each.

mod quota;

use std::fmt;
use std::path::{Path, PathBuf};

use offsched_hal_x86::cpu::{has_hypervisor, has_invariant_tsc};

use crate::{CpuList, allowed};

/// One thing that makes a core's figures unrepresentative. Its text says what
/// it does to them and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The process has one CPU only.
    OneCpu,
    /// Linux schedules other work on the core's CPU.
    NotIsolated {
        /// The core's CPU.
        cpu: usize,
    },
    /// Linux's own tick interrupts the core's CPU.
    Tick {
        /// The core's CPU.
        cpu: usize,
    },
    /// Another hardware thread of the same physical core is in use.
    Sibling {
        /// The core's CPU.
        cpu: usize,
        /// Its online siblings.
        others: CpuList,
    },
    /// The TSC changes its rate with the processor's state.
    TscVaries,
    /// Linux does not trust the TSC on this machine.
    Clocksource {
        /// What Linux uses instead.
        instead: String,
    },
    /// The machine is virtual.
    Hypervisor,
    /// The CPU's clock is governed for power.
    Governor {
        /// The core's CPU.
        cpu: usize,
        /// The governor.
        governor: String,
    },
    /// SCHED_FIFO is asked for and throttled.
    Throttled {
        /// ms in each period that FIFO threads may run, and the period.
        run_ms: u64,
        /// The period, ms.
        period_ms: u64,
    },
    /// A cgroup of the process has a quota of CPU time.
    Quota {
        /// The cgroup; of several with a quota the one with the least.
        group: String,
        /// us in each period that its processes may run on all CPUs together, and the period.
        run_us: u64,
        /// The period, us.
        period_us: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneCpu => f.write_str(
                "only one CPU, the core shares it and gives way: give the program two to see what a core can do",
            ),
            Self::NotIsolated { cpu } => write!(
                f,
                "CPU {cpu} is not isolated, Linux runs other work there: boot with isolcpus={cpu}"
            ),
            Self::Tick { cpu } => write!(
                f,
                "Linux's tick interrupts CPU {cpu} 100 to 1000 times a second: boot with nohz_full={cpu} rcu_nocbs={cpu}"
            ),
            Self::Sibling { cpu, others } => write!(
                f,
                "CPU {cpu} shares its physical core with CPU {others}: take that offline or boot with nosmt"
            ),
            Self::TscVaries => f.write_str(
                "the TSC is not invariant, times in ns are rough: fix the clock's rate in the firmware",
            ),
            Self::Clocksource { instead } => write!(
                f,
                "Linux measures time with {instead}, not the TSC: `dmesg | grep -i tsc` says why"
            ),
            Self::Hypervisor => f.write_str(
                "a virtual machine, its host takes the CPU away unseen: measure on bare metal",
            ),
            Self::Governor { cpu, governor } => write!(
                f,
                "CPU {cpu}'s clock is governed by `{governor}`: cpupower -c {cpu} frequency-set -g performance"
            ),
            Self::Throttled { run_ms, period_ms } => write!(
                f,
                "SCHED_FIFO is throttled to {run_ms} of every {period_ms} ms: sysctl -w kernel.sched_rt_runtime_us=-1"
            ),
            Self::Quota {
                group,
                run_us,
                period_us,
            } => write!(
                f,
                "cgroup {group} may run for {} of every {} ms, then Linux stops it, the core too: write `max` to its \
                 cpu.max (systemd: CPUQuota=, a container: no --cpus)",
                *run_us as f64 / 1e3,
                *period_us as f64 / 1e3,
            ),
        }
    }
}

/// What makes the figures of a core on `cpu` unrepresentative here. `fifo`: it
/// is to run in the real-time class. What the system does not say is not
/// warned of.
pub fn warnings(cpu: usize, fifo: bool) -> Vec<Warning> {
    let system = System {
        root: PathBuf::from("/"),
    };
    let mut found = system.warnings(cpu, fifo);
    if allowed().is_ok_and(|cpus| cpus.as_slice().len() == 1) {
        // Nothing can be moved away from the only CPU.
        found.retain(|one| !matches!(one, Warning::NotIsolated { .. } | Warning::Tick { .. }));
        found.insert(0, Warning::OneCpu);
    }
    if !has_invariant_tsc() {
        found.push(Warning::TscVaries);
    }
    if has_hypervisor() {
        found.push(Warning::Hypervisor);
    }
    found
}

/// Linux's own word on itself, in /sys and /proc.
struct System {
    root: PathBuf,
}

impl System {
    fn warnings(&self, cpu: usize, fifo: bool) -> Vec<Warning> {
        [
            self.isolation(cpu),
            self.tick(cpu),
            self.siblings(cpu),
            self.clocksource(),
            self.governor(cpu),
            fifo.then(|| self.throttling()).flatten(),
            self.quota(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = std::fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    /// isolcpus= and isolated cpuset partitions both show here.
    fn isolation(&self, cpu: usize) -> Option<Warning> {
        let isolated = CpuList::parse(&self.read("sys/devices/system/cpu/isolated")?)?;
        (!isolated.contains(cpu)).then_some(Warning::NotIsolated { cpu })
    }

    /// The file is missing, or says "(null)", where the kernel cannot go without a tick.
    fn tick(&self, cpu: usize) -> Option<Warning> {
        let list = self
            .read("sys/devices/system/cpu/nohz_full")
            .unwrap_or_default();
        let full = CpuList::parse(&list).is_some_and(|cpus| cpus.contains(cpu));
        (!full).then_some(Warning::Tick { cpu })
    }

    fn siblings(&self, cpu: usize) -> Option<Warning> {
        let path = format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let others = CpuList::parse(&self.read(path)?)?.without(cpu);
        (!others.as_slice().is_empty()).then_some(Warning::Sibling { cpu, others })
    }

    fn clocksource(&self) -> Option<Warning> {
        let instead =
            self.read("sys/devices/system/clocksource/clocksource0/current_clocksource")?;
        (instead != "tsc").then_some(Warning::Clocksource { instead })
    }

    fn governor(&self, cpu: usize) -> Option<Warning> {
        let governor = self.read(format!(
            "sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"
        ))?;
        (governor != "performance").then_some(Warning::Governor { cpu, governor })
    }

    fn throttling(&self) -> Option<Warning> {
        let number = |name: &str| {
            self.read(format!("proc/sys/kernel/{name}"))?
                .parse::<i64>()
                .ok()
        };
        // -1 is "never".
        let run = u64::try_from(number("sched_rt_runtime_us")?).ok()?;
        let period = u64::try_from(number("sched_rt_period_us")?).ok()?;
        (run < period).then_some(Warning::Throttled {
            run_ms: run / 1_000,
            period_ms: period / 1_000,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of files under a fresh directory.
    pub(super) fn system(name: &str, files: &[(&str, &str)]) -> System {
        let root = std::env::temp_dir().join(format!("offsched-sys-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        System { root }
    }

    #[test]
    fn a_tuned_machine_gets_no_warning() {
        let tuned = system(
            "tuned",
            &[
                ("sys/devices/system/cpu/isolated", "2-3\n"),
                ("sys/devices/system/cpu/nohz_full", "2-3\n"),
                (
                    "sys/devices/system/cpu/cpu3/topology/thread_siblings_list",
                    "3\n",
                ),
                (
                    "sys/devices/system/clocksource/clocksource0/current_clocksource",
                    "tsc\n",
                ),
                (
                    "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor",
                    "performance\n",
                ),
                ("proc/sys/kernel/sched_rt_runtime_us", "-1\n"),
                ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
                ("proc/self/cgroup", "1:name=old:/a\n0::/user.slice/own\n"),
                ("sys/fs/cgroup/user.slice/own/cpu.max", "max 100000\n"),
                ("sys/fs/cgroup/other/cpu.max", "1000 100000\n"),
            ],
        );
        assert_eq!(tuned.warnings(3, true), []);
        std::fs::remove_dir_all(tuned.root).unwrap();
    }

    #[test]
    fn a_stock_machine_gets_one_line_for_each_thing() {
        let stock = system(
            "stock",
            &[
                ("sys/devices/system/cpu/isolated", "\n"),
                ("sys/devices/system/cpu/nohz_full", "(null)\n"),
                (
                    "sys/devices/system/cpu/cpu3/topology/thread_siblings_list",
                    "1,3\n",
                ),
                (
                    "sys/devices/system/clocksource/clocksource0/current_clocksource",
                    "hpet\n",
                ),
                (
                    "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor",
                    "powersave\n",
                ),
                ("proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
                ("proc/sys/kernel/sched_rt_period_us", "1000000\n"),
                ("proc/self/cgroup", "0::/user.slice/own\n"),
                ("sys/fs/cgroup/user.slice/own/cpu.max", "200000 100000\n"),
                ("sys/fs/cgroup/user.slice/cpu.max", "7500 5000\n"),
                ("sys/fs/cgroup/cpu.max", "max 100000\n"),
            ],
        );
        let found = stock.warnings(3, true);
        assert_eq!(
            found,
            [
                Warning::NotIsolated { cpu: 3 },
                Warning::Tick { cpu: 3 },
                Warning::Sibling {
                    cpu: 3,
                    others: CpuList::new(vec![1])
                },
                Warning::Clocksource {
                    instead: "hpet".to_owned()
                },
                Warning::Governor {
                    cpu: 3,
                    governor: "powersave".to_owned()
                },
                Warning::Throttled {
                    run_ms: 950,
                    period_ms: 1_000
                },
                Warning::Quota {
                    group: "/user.slice".to_owned(),
                    run_us: 7_500,
                    period_us: 5_000
                },
            ]
        );
        assert_eq!(stock.warnings(3, false).len(), found.len() - 1);
        for warning in &found {
            let line = warning.to_string();
            assert!(line.contains(": ") && !line.contains('\n'), "{line}");
        }
        std::fs::remove_dir_all(stock.root).unwrap();
    }
}
