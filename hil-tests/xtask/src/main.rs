//! `cargo xtask`: the project's own tasks. Needs nothing but Rust.

mod dist;
mod runner;
mod test;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use runner::Step;

/// The project's own tasks.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change goes in: format, lints, tests, docs, licences, images in QEMU
    Test(TestArgs),
    /// Measure the executive beside its peers, in one run
    Bench(BenchArgs),
    /// Write devnode/kmod/offsched_abi.h, the C side of executive/abi
    Header,
    /// Run images on a CPU taken out of a stock Debian kernel, in QEMU
    Hil(HarnessArgs),
    /// Boot a stock Debian kernel in QEMU, with the device and a shell in it
    Vm(HarnessArgs),
    /// Put all that is installed into target/dist: command, module, man pages, completions, units
    Dist,
}

#[derive(Args)]
struct TestArgs {
    /// The long forms: 100,000 random task sets, more cases of every property
    #[arg(long)]
    long: bool,
    /// Fail where the run in QEMU cannot be made: without, that is told and the rest goes on
    #[arg(long)]
    hil: bool,
}

#[derive(Args)]
#[command(disable_help_flag = true)]
struct HarnessArgs {
    /// Options of the harness; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

#[derive(Args)]
struct BenchArgs {
    /// One JSON object on the standard output instead of tables
    #[arg(long)]
    json: bool,
    /// Only measurements whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// End with status 2 when a target is missed
    #[arg(long)]
    check: bool,
    /// The CPU to measure on (default: the last one that may be used)
    #[arg(long, value_name = "CPU")]
    cpu: Option<usize>,
    /// Rounds in which everything is measured once (default: 15)
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
}

fn main() -> ExitCode {
    match Cli::parse().task {
        Task::Test(args) => test::run(args.long, args.hil),
        Task::Bench(args) => bench(&args),
        Task::Header => exit_status(Step::cargo(
            "header",
            "run --quiet --package offsched-header",
        )),
        Task::Hil(args) => harness("hil", &[], &args),
        Task::Dist => dist::run(),
        Task::Vm(args) => harness("vm", &["vm"], &args),
    }
}

/// Builds and runs the harness. Its exit status is ours.
fn harness(name: &'static str, words: &[&str], args: &HarnessArgs) -> ExitCode {
    let mut step = Step::cargo(name, "run --release --quiet --package offsched-harness --");
    step.command.args(words).args(&args.options);
    exit_status(step)
}

/// Builds and runs the benchmark. Its exit status is ours.
fn bench(args: &BenchArgs) -> ExitCode {
    let line = "run --release --quiet --package offsched-bench --";
    let mut step = Step::cargo("bench", line);
    if args.json {
        step.command.arg("--json");
    }
    if args.check {
        step.command.arg("--check");
    }
    if let Some(filter) = &args.filter {
        step.command.args(["--filter", filter]);
    }
    if let Some(cpu) = args.cpu {
        step.command.args(["--cpu", &cpu.to_string()]);
    }
    if let Some(rounds) = args.rounds {
        step.command.args(["--rounds", &rounds.to_string()]);
    }
    exit_status(step)
}

/// Runs a program; its exit status is ours.
fn exit_status(mut step: Step) -> ExitCode {
    match step.command.status() {
        Ok(status) => ExitCode::from(
            status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
        ),
        Err(error) => {
            eprintln!("xtask: cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
