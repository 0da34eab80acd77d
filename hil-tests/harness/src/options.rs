//! The command line, and what it asks for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::machine::{Machine, Time};
use crate::parts::Suite;
use crate::target::Target;
use crate::target::ssh::LabOptions;
use crate::vm;

/// Runs the cases on stock Debian kernels in QEMU
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub other: Option<Other>,
    #[command(flatten)]
    pub options: Options,
}

/// What else the harness does.
#[derive(Subcommand)]
pub enum Other {
    Vm(vm::Options),
}

/// Which cases, on what.
#[derive(Args)]
pub struct Options {
    /// Where to run: hosted (this machine's port, no root), qemu, or ssh:HOST (a lab machine)
    #[arg(long, default_value = "qemu")]
    pub target: Target,
    #[command(flatten)]
    pub lab: LabOptions,
    /// Only this kernel (default: each in turn)
    #[arg(long, value_enum)]
    kernel: Option<Suite>,
    /// Processors of the guest (default: 4)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=8))]
    cpus: Option<u32>,
    /// Let the guest use the x2APIC
    #[arg(long)]
    x2apic: bool,
    /// Every kernel with 2 and 4 processors, xAPIC and x2APIC
    #[arg(long, conflicts_with_all = ["cpus", "x2apic", "short"])]
    all: bool,
    /// The newest kernel only, if none is named; each fault three times: what `cargo xtask test` runs
    #[arg(long, conflicts_with = "long")]
    short: bool,
    /// 1,000 times each fault, 1,000 offloads and returns, a million random calls, 10,000 killed clients, Python
    #[arg(long)]
    long: bool,
    /// Put Debian's Python into the guest, for the client in Python
    #[arg(long)]
    python: bool,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Name the cases and run none
    #[arg(long)]
    pub list: bool,
    /// Only the figures in counted time
    #[arg(long)]
    pub timing: bool,
    /// Write the figures measured as their budgets
    #[arg(long, requires = "timing")]
    pub bless: bool,
    /// Times that each fault happens (default: 20)
    #[arg(long, value_name = "N")]
    faults: Option<u32>,
    /// Offloads and returns under load (default: 20)
    #[arg(long, value_name = "N")]
    cycles: Option<u32>,
    /// Random calls of each fuzzer (default: 20,000)
    #[arg(long, value_name = "N")]
    calls: Option<u32>,
    /// Clients that are killed in the middle of a transfer (default: 50)
    #[arg(long, value_name = "N")]
    kills: Option<u32>,
    /// Seed of the random calls (default: 1)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Seconds of silence after which a guest counts as hung (default: 300; an hour for cases that do more than usual)
    #[arg(long, value_name = "S")]
    patience: Option<u64>,
    /// Where fetched parts are kept (default: offsched in the user's cache folder)
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

/// The kernel whose figures have budgets, and which a short run uses.
const NEWEST: Suite = Suite::Backports;

/// With fewer, cases of two cores, and of Linux on several processors beside a core, cannot run.
const CPUS: u32 = 4;

/// Until a guest counts as hung; the same where cases do more than usual.
const PATIENCE: Duration = Duration::from_secs(300);
const LONG_PATIENCE: Duration = Duration::from_secs(3600);

impl Options {
    /// The first option given that the target cannot follow: told, not passed over.
    pub fn foreign(&self) -> Option<&'static str> {
        let of_guests = [
            ("--kernel", self.kernel.is_some()),
            ("--cpus", self.cpus.is_some()),
            ("--x2apic", self.x2apic),
            ("--all", self.all),
            ("--python", self.python),
            ("--timing", self.timing),
            ("--patience", self.patience.is_some()),
        ];
        let of_cases = [
            ("--short", self.short),
            ("--long", self.long),
            ("--filter", self.filter.is_some()),
            ("--faults", self.faults.is_some()),
            ("--cycles", self.cycles.is_some()),
            ("--calls", self.calls.is_some()),
            ("--kills", self.kills.is_some()),
            ("--seed", self.seed.is_some()),
        ];
        let foreign: &[_] = match self.target {
            Target::Qemu => &[],
            Target::Ssh(_) => &of_guests,
            // Cargo's tests, each in its own form.
            Target::Hosted => &[&of_guests[..], &of_cases].concat(),
        };
        let mut given = foreign.iter().filter(|(_, given)| *given);
        given.next().map(|(name, _)| *name)
    }

    /// The kernels to run.
    pub fn suites(&self) -> Vec<Suite> {
        match self.kernel {
            _ if self.timing => vec![NEWEST],
            Some(only) => vec![only],
            None if self.short => vec![NEWEST],
            None => Suite::ALL.to_vec(),
        }
    }

    /// True if the budgets are for figures of this kernel.
    pub fn has_budgets(&self, suite: Suite) -> bool {
        suite == NEWEST
    }

    /// The machines to run the cases on, with each kernel.
    pub fn machines(&self) -> Vec<Machine> {
        let machine = |cpus, x2apic| Machine {
            cpus,
            x2apic,
            time: Time::Real,
        };
        if self.timing {
            Vec::new()
        } else if self.all {
            vec![
                machine(2, false),
                machine(2, true),
                machine(4, false),
                machine(4, true),
            ]
        } else {
            vec![machine(self.cpus.unwrap_or(CPUS), self.x2apic)]
        }
    }

    /// How long a guest may say nothing: a case speaks at its end.
    pub fn patience(&self) -> Duration {
        let more = [self.faults, self.cycles, self.calls, self.kills];
        let more = self.long || more.iter().any(Option::is_some);
        let usual = if more { LONG_PATIENCE } else { PATIENCE };
        self.patience.map_or(usual, Duration::from_secs)
    }

    /// True if the guest is to have Python.
    pub fn wants_python(&self) -> bool {
        self.python || self.long
    }

    /// True if a case of this name is to run.
    pub fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|text| name.contains(text))
    }

    /// What the guest's program is told.
    pub fn for_guest(&self) -> Vec<String> {
        let (faults, cycles, calls, kills) = match (self.long, self.short) {
            (true, _) => (1_000, 1_000, 1_000_000, 10_000),
            (_, true) => (3, 20, 20_000, 50),
            _ => (20, 20, 20_000, 50),
        };
        let mut words = vec![
            format!("--faults={}", self.faults.unwrap_or(faults)),
            format!("--cycles={}", self.cycles.unwrap_or(cycles)),
            format!("--calls={}", self.calls.unwrap_or(calls)),
            format!("--kills={}", self.kills.unwrap_or(kills)),
            format!("--seed={}", self.seed.unwrap_or(1)),
        ];
        // They run in counted time: what they print depends on tenths of a second, which a busy host may take. A lab
        // machine has no such time, and is busy with nothing else.
        let counted = self.short && self.target == Target::Qemu;
        words.extend(counted.then(|| "--no-apps".to_owned()));
        words.extend(self.filter.iter().map(|text| format!("--filter={text}")));
        words
    }

    /// The cache's folder.
    pub fn cache(&self) -> Result<PathBuf, String> {
        cache_folder(self.cache.as_deref())
    }
}

/// The folder asked for, or offsched's in the user's cache.
pub fn cache_folder(asked: Option<&Path>) -> Result<PathBuf, String> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.filter(|path| path.is_absolute());
    let base = base.or_else(|| Some(std::env::home_dir()?.join(".cache")));
    asked
        .map(Path::to_owned)
        .or_else(|| Some(base?.join("offsched")))
        .ok_or_else(|| "no cache folder: say --cache FOLDER".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        let cli = Cli::try_parse_from(line.split_whitespace());
        cli.unwrap_or_else(|why| panic!("{why}")).options
    }

    #[test]
    fn only_where_the_apps_run_in_counted_time_the_others_do_not_have_them() {
        let no_apps = |line| options(line).for_guest().contains(&"--no-apps".to_owned());
        assert!(no_apps("hil --short"));
        assert!(!no_apps("hil"));
        assert!(!no_apps("hil --target ssh:lab --short"));
    }

    #[test]
    fn an_option_that_a_target_cannot_follow_is_named() {
        let foreign = |line| options(line).foreign();
        assert_eq!(foreign("hil --kernel rt --cpus 2 --filter x"), None);
        assert_eq!(foreign("hil --target ssh:lab --long --filter x"), None);
        assert_eq!(foreign("hil --target ssh:lab --cpus 2"), Some("--cpus"));
        assert_eq!(foreign("hil --target hosted"), None);
        assert_eq!(foreign("hil --target hosted --filter x"), Some("--filter"));
        assert_eq!(foreign("hil --target hosted --timing"), Some("--timing"));
    }
}
