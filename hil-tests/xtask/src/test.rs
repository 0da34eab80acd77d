//! `cargo xtask test`: everything that must hold before a change goes in.

use std::process::{ExitCode, Stdio};
use std::time::Instant;

use crate::runner::{Done, Step, target_dir};

/// Random task sets of each property in an ordinary run.
const SETS: u32 = 20_000;
/// The same in a long run.
const SETS_LONG: u32 = 100_000;
/// What a long run asks of the unoptimised tests: cases of proptest's properties, steps of hostile peers.
const TESTS_LONG: &[(&str, &str)] = &[
    ("PROPTEST_CASES", "20000"),
    ("OFFSCHED_FUZZ_STEPS", "20000000"),
];
/// What a long run asks of the optimised ones: sets whose interrupt points are swept, every instruction stepped over.
const PROPERTIES_LONG: &[(&str, &str)] = &[("OFFSCHED_SWEEPS", "5000"), ("OFFSCHED_STRIDE", "1")];

/// Steps of a hostile peer over the raw shared words in a long run: minutes, optimised.
const HOSTILE_LONG: &str = "1000000000";

/// Runs all steps until one fails.
pub fn run(long: bool, demand_hil: bool) -> ExitCode {
    let begin = Instant::now();
    let mut done = Vec::new();
    let outcome = all(long, demand_hil, &mut done);
    println!("\n==> summary");
    done.iter()
        .for_each(|step: &Done| println!("{}", step.line()));
    let took = begin.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => {
            let not_run: Vec<_> = done.iter().filter_map(Done::not_run).collect();
            if not_run.is_empty() {
                println!("everything holds: {} steps, {took:.1} s", done.len());
            } else {
                println!("what was run holds, {took:.1} s; {}", not_run.join("; "));
            }
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            println!("stopped after {took:.1} s: {sentence}");
            eprintln!("xtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn all(long: bool, demand_hil: bool, done: &mut Vec<Done>) -> Result<(), String> {
    for step in steps(long) {
        done.push(step.run()?);
    }
    done.push(licences()?);
    done.push(hil(long, demand_hil)?);
    Ok(())
}

/// Images on a stock kernel in QEMU, and the figures in counted time. Where kernels and tools cannot be had, the rest
/// holds without, loudly; unless the step is demanded.
fn hil(long: bool, demanded: bool) -> Result<Done, String> {
    /// What the harness ends with then.
    const NO_PARTS: i32 = 3;
    let line = "run --release --quiet --package offsched-harness --";
    let mut step = Step::cargo("hil", line);
    step.command.arg(if long { "--long" } else { "--short" });
    let why =
        "no kernels or QEMU to be had, the reason is above; no image has run on a real kernel";
    step.run_unless(Some((NO_PARTS, why)).filter(|_| !demanded))
}

fn steps(long: bool) -> Vec<Step> {
    let sets = if long { SETS_LONG } else { SETS };
    let mut tests = Step::cargo("tests", "test --workspace");
    let mut properties = Step::cargo("properties", "test --package offsched-sim --release")
        .env("OFFSCHED_SETS", sets.to_string());
    if long {
        tests = tests.envs(TESTS_LONG);
        properties = properties.envs(PROPERTIES_LONG);
    }
    // Other compiler flags would throw away the ordinary build results, hence the folder of its own.
    let loom = Step::cargo("loom", "test --package offsched-abi --release --test loom")
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", target_dir("loom"));
    let mut steps = vec![
        Step::cargo("format", "fmt --all --check"),
        Step::cargo("lints", "clippy --workspace --all-targets -- -D warnings"),
        tests,
        loom,
        properties,
        Step::cargo("docs", "doc --no-deps --workspace").env("RUSTDOCFLAGS", "-D warnings"),
        drills(long),
    ];
    if long {
        let hostile = "test --package offsched-abi --release --test hostile";
        steps.push(Step::cargo("hostile", hostile).env("OFFSCHED_FUZZ_STEPS", HOSTILE_LONG));
    }
    steps
}

/// The long forms of the drills on a hosted core, optimised: in an ordinary run only the 10,000 kills, less than a minute.
fn drills(long: bool) -> Step {
    let line = "test --package offsched-clients --release --test hosted -- --nocapture";
    let mut step = Step::cargo("drills", line).env("OFFSCHED_DRILLS", "long");
    if !long {
        step.command.arg("killed");
    }
    step
}

/// Licences of all dependencies, where the tool for it is there: it is not part of Rust.
fn licences() -> Result<Done, String> {
    let mut version = Step::cargo("licences", "deny --version").command;
    let version = version.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_ok_and(|status| status.success()) {
        return Step::cargo("licences", "deny check licenses bans sources").run();
    }
    Ok(Done::skipped(
        "licences",
        "cargo-deny is not installed; `cargo install --locked cargo-deny` gets it",
    ))
}
