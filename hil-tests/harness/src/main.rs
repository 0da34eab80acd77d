//! Hardware in the loop, in QEMU: stock Debian kernels, the module, and every
//! image on a processor that Linux gave away.
//!
//! ```text
//! options   which kernels, machines and cases                                options.rs, names.rs
//! fetch     kernel, headers, busybox, QEMU -> a cache folder, without root   apt.rs, parts.rs
//! build     module, images, the program inside the guest                     build.rs
//! pack      all of it into an initramfs                                      initramfs.rs
//! boot      QEMU, for one scenario                                           session.rs, machine.rs, scenario.rs
//! talk      the guest's lines; looks into it from outside                    guest.rs, monitor.rs
//! measure   two boots in counted time, a budget for each figure              timing.rs, budgets.rs
//! aim       an NMI at each instruction of the module's trampoline            trampoline.rs, stub.rs
//! uart      what the core wrote to a UART of its own                        uart.rs
//! report    pass and fail, case by case                                      report.rs
//! targets   the same cases hosted, or on a lab machine over ssh              target.rs
//! vm        the same guest with a shell in it, for a person                  vm.rs
//! ```
//!
//! Cases that leave Linux running are in `hil-tests/guest` and share a boot;
//! those that end a boot have one each, and are in `scenario.rs`.
#![forbid(unsafe_code)]

mod apt;
mod budgets;
mod build;
mod guest;
mod initramfs;
mod machine;
mod monitor;
mod names;
mod options;
mod parts;
mod report;
mod run;
mod scenario;
mod session;
mod stub;
mod target;
mod timing;
mod trampoline;
mod uart;
mod vm;

use std::cell::Cell;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use build::Cases;
use machine::Machine;
use options::{Cli, Options, Other};
use parts::{Kernel, Parts, Qemu, Suite};
use report::{Report, Summary};
use scenario::Scenario;
use session::Session;
use target::Target;
use target::ssh::Lab;

/// What this ends with if the parts cannot be had: whoever runs it may go on without.
const NO_PARTS: u8 = 3;

/// Why there is no report.
enum Trouble {
    /// Something from elsewhere is missing.
    Parts(String),
    /// Something here is wrong.
    Other(String),
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Other(why)
    }
}

fn main() -> ExitCode {
    let Cli { other, options } = Cli::parse();
    if let Some(Other::Vm(options)) = other {
        return vm::run(&options);
    }
    let outcome = if options.list {
        list(&options).map(|()| true)
    } else {
        at_target(&options).map(|report| {
            println!("{} passed, {} failed", report.passed, report.failed);
            report.failed == 0 && (report.passed > 0 || options.bless)
        })
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Trouble::Other(why)) => {
            eprintln!("harness: {why}");
            ExitCode::FAILURE
        }
        Err(Trouble::Parts(why)) => {
            eprintln!("harness: {why}");
            eprintln!(
                "harness: it wants a Debian, a mirror for apt, and: {}",
                parts::INSTALL
            );
            ExitCode::from(NO_PARTS)
        }
    }
}

/// The project's folder.
fn root() -> Result<&'static Path, String> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .ok_or_else(|| "no project folder".to_owned())
}

fn list(options: &Options) -> Result<(), Trouble> {
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    for name in names::wanted(options, root, &work)? {
        println!("{name}");
    }
    Ok(())
}

fn at_target(options: &Options) -> Result<Report, Trouble> {
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    let begin = Instant::now();
    if let Some(option) = options.foreign() {
        let why = format!("{option} means nothing to this --target");
        return Err(Trouble::Other(why));
    }
    let (name, report) = match &options.target {
        Target::Qemu => {
            names::check(options, root, &work)?;
            return all(options);
        }
        Target::Hosted => ("hosted", target::hosted::run(root)?),
        Target::Ssh(host) => {
            let lab = Lab::find(host, &options.lab)?;
            names::check(options, root, &work)?;
            (host.as_str(), lab.run(root, &work, &options.for_guest())?)
        }
    };
    report.print(name, begin.elapsed());
    Ok(report)
}

fn all(options: &Options) -> Result<Report, Trouble> {
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    parts::tools().map_err(Trouble::Parts)?;
    let parts = Parts::open(&options.cache()?)?;
    let qemu = parts.qemu().map_err(Trouble::Parts)?;
    // All of them first: what cannot be had should show before an hour of runs.
    let suites = options.suites();
    let kernels: Vec<_> = suites
        .iter()
        .map(|suite| parts.kernel(*suite))
        .collect::<Result<_, _>>()
        .map_err(Trouble::Parts)?;
    let sparse = parts.sparse().map_err(Trouble::Parts)?;
    let python = options.wants_python().then(|| parts.python()).transpose();
    let python = python.map_err(Trouble::Parts)?;
    let cases = Cases {
        python,
        ..build::cases(root, &work)?
    };
    let mut summary = Summary::default();
    for (suite, kernel) in suites.iter().zip(&kernels) {
        let begin = Instant::now();
        // What is wrong with one kernel leaves the others.
        let done = build::module(root, &work, kernel, Some(&sparse)).and_then(|module| {
            one(
                options,
                &qemu,
                kernel,
                *suite,
                &module,
                &cases,
                &mut summary,
            )
        });
        if let Err(why) = done {
            let broken = Report::broken(&kernel.release, &why);
            summary.add(&kernel.release, broken, begin.elapsed());
        }
    }
    summary.print();
    Ok(summary.total)
}

/// All machines with one kernel.
fn one(
    options: &Options,
    qemu: &Qemu,
    kernel: &Kernel,
    suite: Suite,
    module: &Path,
    cases: &Cases,
    summary: &mut Summary,
) -> Result<(), String> {
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    let guest_options = options.for_guest();
    let session = Session {
        qemu,
        kernel,
        initramfs: initramfs::pack(&work, kernel, module, cases)?,
        options: &guest_options,
        patience: options.patience(),
        whole: options.filter.is_none(),
        logs: work.join("logs"),
        again: Cell::new(false),
    };
    let any = !build::names(root, &cases.program, &guest_options)?.is_empty();
    let scenarios: Vec<_> = [Scenario::Cases]
        .into_iter()
        .filter(|_| any)
        .chain(
            Scenario::OWN_BOOT
                .into_iter()
                .filter(|s| options.wants(s.title())),
        )
        .collect();
    for machine in options.machines() {
        let begin = Instant::now();
        let mut report = Report::default();
        for scenario in &scenarios {
            let run = session.try_twice(&machine, *scenario);
            report.add(run.unwrap_or_else(|why| Report::broken(scenario.title(), &why)));
        }
        if options.wants(vm::TITLE) {
            let outcome = newcomer(qemu, kernel, module, cases, machine);
            report.case(vm::TITLE, outcome);
        }
        let name = format!("{}, {machine}", kernel.release);
        summary.add(&name, report, begin.elapsed());
    }
    if options.wants(trampoline::TITLE) && !options.timing {
        let begin = Instant::now();
        let mut report = Report::default();
        let places = trampoline::check(qemu, module, &session.logs);
        let places = places.map(|places| report.note(format!("an NMI at {places} instructions")));
        report.case(trampoline::TITLE, places);
        summary.add(
            &format!("{}, trampoline", kernel.release),
            report,
            begin.elapsed(),
        );
    }
    counted(options, &session, root, suite, summary);
    Ok(())
}

/// The command as a person uses it, in a guest of his.
fn newcomer(
    qemu: &Qemu,
    kernel: &Kernel,
    module: &Path,
    cases: &Cases,
    machine: Machine,
) -> Result<(), String> {
    let command = cases.clients.iter().find(|(name, _)| name == "offsched");
    let (_, program) = command.ok_or("no command was built")?;
    vm::check(&vm::Setup {
        qemu,
        kernel,
        module,
        program,
        images: &cases.images,
        machine,
        patience: vm::PATIENCE,
    })
}

/// What wants counted time.
fn counted(
    options: &Options,
    session: &Session<'_>,
    root: &Path,
    suite: Suite,
    summary: &mut Summary,
) {
    let begin = Instant::now();
    let mut report = Report::default();
    let cases = [Scenario::Apps, Scenario::Deadlines];
    let cases = cases.into_iter().filter(|_| !options.timing);
    let wanted: Vec<_> = cases
        .chain(
            [Scenario::Timing]
                .into_iter()
                .filter(|_| options.has_budgets(suite)),
        )
        .filter(|case| options.wants(case.title()))
        .collect();
    for case in &wanted {
        let run = match case {
            Scenario::Timing => timing::run(session, root, options.bless),
            _ => timing::counted(session, *case),
        };
        report.add(run.unwrap_or_else(|why| Report::broken(case.title(), &why)));
    }
    if !wanted.is_empty() {
        let name = format!("{}, counted time", session.kernel.release);
        summary.add(&name, report, begin.elapsed());
    }
}
