//! Drills of many applications at one device, as processes of their own.
//!
//! ```text
//!  offsched-clients serve PATH            a hosted core with the `stream` service, until stdin ends
//!  offsched-clients drill NAME --device D a drill against any device that serves `stream`
//!  offsched-clients role NAME --device D  one application of a drill; drills start these
//! ```
//! The drills know a path and the client library only, so the same ones run against a hosted device
//! and the kernel's. `tests/hosted.rs` runs all of them against a hosted one.
#![deny(unsafe_code)]

mod asynchronous;
mod child;
mod drills;
mod history;
mod message;
mod roles;
mod scribble;
mod serve;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use drills::Drill;
use roles::Role;

/// The service that the drills use, as the device names it.
pub const SERVICE: &str = "stream";

/// Drills of many applications at one device.
#[derive(Parser)]
#[command(name = "offsched-clients", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the stream service from a hosted core until the standard input ends
    Serve {
        /// The device's socket
        path: PathBuf,
    },
    /// Run a drill; 0 if it held, with its figures on the standard output
    Drill {
        /// Which
        drill: Drill,
        /// A device that serves `stream`
        #[arg(long)]
        device: PathBuf,
        /// Kills, clients, rounds or seconds: as much of the drill as is wanted
        #[arg(long)]
        count: Option<u32>,
        /// For `restart`: a shell command that stops the core and starts it again
        #[arg(long, value_name = "COMMAND")]
        restart: Option<String>,
    },
    /// Be one application of a drill
    Role {
        /// Which
        role: Role,
        /// The device
        #[arg(long)]
        device: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve { path } => serve::run(&path),
        Command::Drill {
            drill,
            device,
            count,
            restart,
        } => drills::run(drill, &device, count, restart.as_deref())
            .map(|figures| println!("{figures}")),
        Command::Role { role, device } => roles::run(role, &device),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("offsched-clients: {sentence}");
            ExitCode::FAILURE
        }
    }
}
