//! Runs the cases on the kernel's device, inside a guest or on a lab machine.
//!
//! `offsched-guest FOLDER`: the folder has `images/` (ELF files), `expected/`
//! (what the example apps print) and the module, as a file. One line for each case, on the
//! standard output: `pass NAME`, `fail NAME: why`, `skip NAME: why`; figures as
//! `figure NAME CYCLES`, remarks as `note TEXT`; `round N of M` when a case takes long; at the end `done`.
//!
//! A harness around the machine is asked by `ask QUESTION`; its answer is a
//! line on the standard input.
#![deny(unsafe_code)]

mod apps;
mod asking;
mod both_ways;
mod calls;
mod case;
mod channels;
mod clients;
mod cycles;
mod ends;
mod events;
mod exec;
mod faults;
mod forged;
mod fuzz;
mod guard;
mod hostile;
mod in_kernel;
mod kernel_log;
mod liars;
mod limits;
mod loads;
mod logs;
mod low_pages;
mod node;
mod pair;
mod raw;
mod records;
mod reload;
mod rig;
mod rights;
mod running;
mod script;
mod signals;
mod tables;
mod timing;
mod wild;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use case::{Case, Report};
use rig::Rig;

/// How a case ends; an error says what went wrong.
type Outcome = Result<(), String>;

/// Runs the cases on the kernel's device
#[derive(Parser)]
struct Options {
    /// Where `images`, `expected` and `offsched.ko` are
    folder: PathBuf,
    /// What to do
    #[arg(value_enum, default_value_t = Scenario::Cases)]
    scenario: Scenario,
    /// Name the cases and run none
    #[arg(long)]
    list: bool,
    /// Only cases whose name contains this
    #[arg(long, default_value = "")]
    filter: String,
    /// Leave the example apps out
    #[arg(long)]
    no_apps: bool,
    /// The CPU that the cores run on
    #[arg(long, default_value_t = 1)]
    cpu: u32,
    /// A harness answers questions on the standard input
    #[arg(long)]
    harness: bool,
    /// Times that each fault happens
    #[arg(long, default_value_t = 20)]
    faults: u32,
    /// Offloads and returns under load
    #[arg(long, default_value_t = 20)]
    cycles: u32,
    /// Random calls of each fuzzer
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Clients that are killed
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Seed of the random calls
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Options {
    /// For a boot that was asked for by its own name.
    fn unfiltered(self) -> Self {
        let filter = String::new();
        Self { filter, ..self }
    }
}

/// What a boot is for.
#[derive(Clone, Copy, ValueEnum)]
enum Scenario {
    /// All cases that leave Linux running
    Cases,
    /// Those that tell how an idle core waits, for a machine without a hypervisor
    Polling,
    /// Reboot while a core runs
    Reboot,
    /// Panic while a core runs
    Panic,
    /// Under lockdown, which kept the module out
    LockedModule,
    /// Lock down, then try to load an image
    LockedImage,
    /// The example apps only, in counted time
    Apps,
    /// The deadlines of a core beside another that crashes, in counted time
    Deadlines,
    /// The figures, in counted time
    Timing,
    /// Bind a channel and wait to be killed
    Hold,
    /// Bind a channel, have a child and wait to be killed
    Fork,
    /// Bind a channel and become another program, which closes it
    Exec,
    /// The same with a channel that stays open
    ExecKeeping,
    /// Touch a channel that is not this process's any more
    Touch,
    /// Bind a channel and become another program while a thread reads
    Become,
    /// As whoever is nobody: every call of the node
    Nobody,
    /// As whoever is nobody: random calls of the node
    NobodyFuzzes,
}

/// What may go otherwise with a core that polls in idle than with one that halts.
const POLLING: [&str; 9] = [
    "strays are counted",
    "stop a core that runs",
    "stop a core that starts",
    "a polling app under a hypervisor is told of",
    "timers, one-shot and periodic",
    "a sleeping core is rung, and a blocked reader",
    "several channels at once",
    "a core crashes under its client",
    "channels run out, and come back",
];

fn main() -> ExitCode {
    let options = Options::parse();
    let rig = Rig::new(&options);
    match options.scenario {
        Scenario::Cases => {
            let apps = if options.no_apps {
                Vec::new()
            } else {
                apps::cases(&rig)
            };
            cases(&rig, &options, apps.into_iter().chain(others()))
        }
        Scenario::Polling => {
            let all = others().filter(|case| POLLING.contains(&case.name.as_str()));
            let all = [running::polls()].into_iter().chain(all);
            cases(&rig, &options.unfiltered(), all)
        }
        Scenario::Apps => cases(&rig, &options.unfiltered(), apps::cases(&rig)),
        Scenario::Reboot => one("reboot while a core runs", || ends::reboot(&rig)),
        Scenario::Panic => one("Linux panics, the core goes on", || ends::panic(&rig)),
        Scenario::LockedModule => one("lockdown refuses the module", || ends::locked_module(&rig)),
        Scenario::LockedImage => one("lockdown refuses an image", || ends::locked_image(&rig)),
        Scenario::Deadlines => one("deadlines beside a crash", || pair::deadlines(&rig)),
        Scenario::Timing => one("timing app", || timing::figures(&rig)),
        Scenario::Hold => channels::hold(),
        Scenario::Fork => exec::fork(),
        Scenario::Exec => exec::become_another(false),
        Scenario::ExecKeeping => exec::become_another(true),
        Scenario::Touch => node::touch(),
        Scenario::Become => exec::become_beside_a_reader(),
        Scenario::Nobody => child(rights::sweep(&rig)),
        Scenario::NobodyFuzzes => child(fuzz::as_nobody_here(&rig)),
    }
}

/// All cases but the apps.
fn others() -> impl Iterator<Item = Case> {
    let all = [
        faults::cases(),
        records::cases(),
        logs::cases(),
        running::cases(),
        guard::cases(),
        pair::cases(),
        hostile::cases(),
        loads::cases(),
        channels::cases(),
        events::cases(),
        node::cases(),
        in_kernel::cases(),
        both_ways::cases(),
        asking::cases(),
        tables::cases(),
        liars::cases(),
        limits::cases(),
        calls::cases(),
        signals::cases(),
        exec::cases(),
        clients::cases(),
        rights::cases(),
        fuzz::cases(),
        low_pages::cases(),
        cycles::cases(),
        reload::cases(),
    ];
    all.into_iter().flatten()
}

fn cases(rig: &Rig, options: &Options, all: impl IntoIterator<Item = Case>) -> ExitCode {
    let wanted = all
        .into_iter()
        .filter(|case| case.name.contains(&options.filter));
    if options.list {
        wanted.for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    }
    let mut report = Report::new();
    wanted.for_each(|case| report.run(&case, rig));
    report.done()
}

/// A boot's only case.
fn one(name: &str, run: impl FnOnce() -> Outcome) -> ExitCode {
    let mut report = Report::new();
    report.outcome(name, run());
    report.done()
}

/// The end of a process that a case has started.
fn child(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
