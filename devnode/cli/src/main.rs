//! `offsched`: the command.
//!
//! ```text
//! main -> args      what was asked for (clap)
//!      -> demo      a core with the timer service beside Linux's own timers
//!      -> analyse   response times of the apps in source files
//!      -> crash     why a core crashed
//!      -> log       what a core's tasks log
//!      -> cores     offloaded cores: start, stop, return, services, status, console
//!      -> output    standard output that may be closed at any time
//! ```
//! Exit codes: 0 done, 1 failed (one line on the standard error says why and
//! what to do), 2 a command line that makes no sense, 3 a core that had to be
//! stopped by force.
#![forbid(unsafe_code)]

mod analyse;
mod args;
mod cores;
mod crash;
mod demo;
mod format;
mod log;
mod output;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use output::Failure;

/// The exit code for a core that had to be stopped by force.
const UNHEARD: u8 = 3;

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Analyse(options) => analyse::run(&options),
        Command::Bind(options) => cores::bind(&options),
        Command::Crash(options) => crash::run(&options),
        Command::Log(options) => log::run(&options),
        Command::Start(options) => cores::start(&options),
        Command::Stop(options) => cores::stop(&options),
        Command::Return(options) => cores::give_back(&options),
        Command::Services(options) => cores::services(&options),
        Command::Status(options) => cores::status(&options),
        Command::Console(options) => cores::console(&options),
    };
    match done {
        // Whoever reads the output has seen enough: nothing has failed.
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Message(text)) => {
            output::note(&format!("offsched: {text}"));
            ExitCode::FAILURE
        }
        Err(Failure::Unheard) => ExitCode::from(UNHEARD),
    }
}
