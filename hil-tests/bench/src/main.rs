//! `cargo xtask bench`: the executive beside its peers, in one run.
//!
//! Every round measures everything once, so that what the machine does to one
//! it does to all. Our own operations and the peers' run on the same pinned
//! core thread. Targets are reported, not asserted: a noisy machine must not
//! break a build (`--check` is for machines that are quiet).
//!
//! | module | what |
//! | --- | --- |
//! | `micro` | spawns, locks, timers, peers: an app on the hosted core |
//! | `dispatch` | the same spawn among 1 to 512 tasks |
//! | `tick` | periodic tasks, and the share of the core that they take |
//! | `idle` | waking a core that polls or halts in idle, from another CPU |
//! | `rings` | messages between an application and the core, two CPUs |
//! | `sizes` | bytes |
#![deny(unsafe_code)]

mod clock;
mod dispatch;
mod handover;
mod idle;
mod image;
mod micro;
mod output;
mod peers;
mod report;
mod rings;
mod rows;
mod series;
mod sizes;
mod tick;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use offsched::App;
use offsched_hosted::{Config, CpuList, Outcome, allowed, confine_caller, measured_hz};

use dispatch::Many;
use report::Report;
use series::Book;

/// Measure the executive beside its peers, in one run.
#[derive(Parser)]
#[command(name = "offsched-bench", version)]
struct Args {
    /// One JSON object on the standard output instead of tables
    #[arg(long)]
    json: bool,
    /// Only measurements whose name contains this (the names are in the JSON form)
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// End with status 2 when a target is missed
    #[arg(long)]
    check: bool,
    /// The CPU to measure on (default: the last one that may be used)
    #[arg(long, value_name = "CPU")]
    cpu: Option<usize>,
    /// Rounds in which everything is measured once
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
}

/// `--check` and a missed target.
const MISSED: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(report) => {
            if args.json {
                println!("{:#}", output::object(&report));
            } else {
                print!("{}", output::text(&report));
            }
            if args.check && !report.is_good() {
                ExitCode::from(MISSED)
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(sentence) => {
            eprintln!("offsched-bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<Report, String> {
    let (cpu, cpus) = choose(args.cpu)?;
    if !rows::all().any(|row| row.id.contains(&args.filter)) {
        let ids: Vec<&str> = rows::all().map(|row| row.id).collect();
        return Err(format!(
            "nothing is called `{}`: choose from {}",
            args.filter,
            ids.join(", ")
        ));
    }
    let hz = measured_hz();
    let step = clock::step();
    let config = Config {
        cpu: Some(cpu),
        ..Config::default()
    };
    let rounds = args.rounds as usize;
    let mut book = Book::new(rounds, &args.filter);
    let mut notes = Vec::new();
    let pair = rings::Pair::choose(cpu, &cpus);
    if pair.is_none() {
        notes.push("rings: skipped, they need a second CPU".to_owned());
    }
    let begin = Instant::now();
    for round in 1..=rounds {
        eprint!(
            "\rround {round} of {rounds}, {:.0} s ",
            begin.elapsed().as_secs_f64()
        );
        peers::park(&mut book);
        book = hosted_round(book, &config)?;
        idle::measure(&mut book, &config, cpu, &cpus)?;
        confine(&CpuList::new(vec![cpu]))?;
        for load in tick::LOADS {
            tick::measure(&mut book, load, hz)?;
        }
        if let Some(pair) = pair {
            rings::measure(&mut book, pair, &mut notes)?;
        }
        confine(&cpus)?;
    }
    eprintln!();
    notes.extend(peers::dpdk::timers());
    let rte_ring = pair.map(peers::dpdk::ring).unwrap_or_default();
    let rte_ring_cycles = peers::dpdk::cycles(&rte_ring);
    notes.extend(rte_ring);
    notes.extend(
        offsched_hosted::warnings(cpu, false)
            .iter()
            .map(ToString::to_string),
    );
    Ok(Report::new(
        &book,
        hz,
        step,
        cpu,
        rounds,
        notes,
        rte_ring_cycles,
    ))
}

/// The CPU to measure on, and all that this process may use.
fn choose(wanted: Option<usize>) -> Result<(usize, CpuList), String> {
    let all = allowed().map_err(|error| error.to_string())?;
    let cpu = wanted
        .or(all.as_slice().last().copied())
        .ok_or("this process may use no CPU")?;
    if !all.contains(cpu) {
        return Err(format!(
            "CPU {cpu} is not one that this process may use: choose from {all}"
        ));
    }
    Ok((cpu, all))
}

fn confine(cpus: &CpuList) -> Result<(), String> {
    confine_caller(cpus).map_err(|error| error.to_string())
}

/// A round of all apps that run on the hosted core.
fn hosted_round(mut book: Book, config: &Config) -> Result<Book, String> {
    // The empty measurement is made there, so it always runs.
    book = micro::BOOK.lend(book, || on_core::<micro::App>(config))?;
    if dispatch::wanted(&book, 1) {
        book = dispatch::BOOK.lend(book, || on_core::<Many<1>>(config))?;
    }
    if dispatch::wanted(&book, 8) {
        book = dispatch::BOOK.lend(book, || on_core::<Many<8>>(config))?;
    }
    if dispatch::wanted(&book, 64) {
        book = dispatch::BOOK.lend(book, || on_core::<Many<64>>(config))?;
    }
    if dispatch::wanted(&book, 512) {
        book = dispatch::BOOK.lend(book, || on_core::<Many<512>>(config))?;
    }
    Ok(book)
}

/// Runs an app on the hosted core to its end.
fn on_core<A: App>(config: &Config) -> Result<(), String> {
    match offsched_hosted::run::<A>(config.clone()) {
        Ok(Outcome::Stopped) => Ok(()),
        Ok(other) => Err(format!("the core {other}")),
        Err(error) => Err(error.to_string()),
    }
}
