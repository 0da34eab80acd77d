//! `offsched`: the command.
//!
//! ```text
//! main -> args      what was asked for (clap)
//!      -> demo      a core with the timer service beside Linux's own timers
//!      -> analyse   response times of the apps in source files
//!      -> output    standard output that may be closed at any time
//! ```
//! Exit codes: 0 done, 1 failed (one line on the standard error says why and
//! what to do), 2 a command line that makes no sense.
#![forbid(unsafe_code)]

mod analyse;
mod args;
mod demo;
mod output;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use output::Failure;

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Analyse(options) => analyse::run(&options),
    };
    match done {
        // Whoever reads the output has seen enough: nothing has failed.
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Message(text)) => {
            output::note(&format!("offsched: {text}"));
            ExitCode::FAILURE
        }
    }
}
