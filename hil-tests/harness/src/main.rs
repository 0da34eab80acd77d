//! Hardware in the loop, in QEMU: a stock Debian kernel, the module, and every
//! image on a processor that Linux gave away.
//!
//! ```text
//! fetch     kernel, headers, busybox, QEMU -> a cache folder, without root   apt.rs, parts.rs
//! build     module, images, the program inside the guest                     build.rs
//! pack      all of it into an initramfs                                      initramfs.rs
//! boot      QEMU, until the guest powers off                                 machine.rs
//! uart      what the core wrote to a UART of its own                          uart.rs
//! report    pass and fail, case by case                                      report.rs
//! targets   the same cases hosted, or on a lab machine over ssh                target.rs
//! vm        the same guest with a shell in it, for a person                  vm.rs
//! ```
#![forbid(unsafe_code)]

mod apt;
mod build;
mod initramfs;
mod machine;
mod parts;
mod report;
mod run;
mod target;
mod uart;
mod vm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};

use machine::Machine;
use parts::Suite;
use report::Report;
use target::Target;
use target::ssh::LabOptions;

/// Runs the cases on a stock kernel in QEMU
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    options: Options,
}

/// What else the harness does.
#[derive(Subcommand)]
enum Other {
    Vm(vm::Options),
}

/// What to run the cases on.
#[derive(Args)]
struct Options {
    /// Where to run: hosted (this machine's port, no root), qemu, or ssh:HOST (a lab machine)
    #[arg(long, default_value = "qemu")]
    target: Target,
    #[command(flatten)]
    lab: LabOptions,
    /// Which kernel (default: each in turn)
    #[arg(long, value_enum)]
    kernel: Option<Suite>,
    /// Processors of the guest
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=8))]
    cpus: u32,
    /// Let the guest use the x2APIC
    #[arg(long)]
    x2apic: bool,
    /// Seconds after which a guest counts as hung
    #[arg(long, value_name = "S", default_value_t = 300)]
    patience: u64,
    /// Where fetched parts are kept (default: offsched in the user's cache folder)
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Other::Vm(options)) = cli.other {
        return vm::run(&options);
    }
    match at_target(&cli.options) {
        Ok(report) => {
            println!("{} passed, {} failed", report.passed, report.failed);
            if report.failed == 0 && report.passed > 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(why) => {
            eprintln!("harness: {why}");
            ExitCode::FAILURE
        }
    }
}

fn at_target(options: &Options) -> Result<Report, String> {
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    let begin = Instant::now();
    let (name, report) = match &options.target {
        Target::Qemu => return all(options),
        Target::Hosted => ("hosted", target::hosted::run(root)?),
        Target::Ssh(host) => (
            host.as_str(),
            target::ssh::run(host, root, &work, &options.lab)?,
        ),
    };
    report.print(name, begin.elapsed());
    Ok(report)
}

fn all(cli: &Options) -> Result<Report, String> {
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    let cache = cli
        .cache
        .clone()
        .or_else(cache_folder)
        .ok_or("no cache folder: say --cache FOLDER")?;
    let parts = parts::Parts::open(&cache)?;
    let qemu = parts.qemu()?;
    let cases = build::cases(root, &work)?;
    let mut total = Report::default();
    for suite in [Suite::Stable, Suite::Backports] {
        if cli.kernel.is_some_and(|only| only != suite) {
            continue;
        }
        let begin = Instant::now();
        let kernel = parts.kernel(suite)?;
        let module = build::module(root, &work, &kernel)?;
        let initramfs = initramfs::pack(&work, &kernel, &module, &cases)?;
        let machine = Machine {
            cpus: cli.cpus,
            x2apic: cli.x2apic,
            patience: cli.patience,
        };
        let report = machine.run(&qemu, &kernel, &initramfs, &work)?;
        report.print(&kernel.release, begin.elapsed());
        total.add(&report);
    }
    Ok(total)
}

/// The project's folder.
fn root() -> Result<&'static Path, String> {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    folders.ok_or_else(|| "no project folder".to_owned())
}

fn cache_folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.filter(|path| path.is_absolute());
    Some(
        base.or_else(|| Some(std::env::home_dir()?.join(".cache")))?
            .join("offsched"),
    )
}
