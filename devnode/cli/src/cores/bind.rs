//! `offsched bind`: a command whose input and output are a channel.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use offsched_client::{Device, Error};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

use super::why;
use crate::args::BindOptions;
use crate::output::Failure;

/// Binds a service and becomes the command: the process that bound it stays its owner. Returns only if it fails.
///
/// # Errors
/// [`Failure`]: which step failed, and what to do.
pub fn run(options: &BindOptions) -> Result<(), Failure> {
    let channel = bound(options).map_err(|error| refusal(options, &error))?;
    let (program, arguments) = options
        .command
        .split_first()
        .ok_or_else(|| Failure::Message("no command".to_owned()))?;
    let mut command = Command::new(program);
    command.args(arguments);
    let _kept = match options.fd {
        Some(number) => Some(at_number(channel, number)?),
        None => {
            let other = channel.try_clone();
            let other = other.map_err(|error| Failure::to("duplicate the descriptor", error))?;
            command
                .stdin(Stdio::from(other))
                .stdout(Stdio::from(channel));
            None
        }
    };
    let error = command.exec();
    Err(Failure::to(&format!("run {}", program.display()), error))
}

fn bound(options: &BindOptions) -> Result<OwnedFd, Error> {
    let path = &options.device.device;
    let device = match options.cpu {
        Some(cpu) => Device::open_cpu(path, cpu),
        None => Device::open(path),
    };
    device?.bind_fd(&options.service)
}

fn refusal(options: &BindOptions, error: &Error) -> Failure {
    match error {
        Error::NoDevice { path, errno } if path.exists() && *errno == Errno::NODEV => {
            Failure::Message(
                "no CPU runs an image: `offsched start --cpu N --image FILE` starts one".to_owned(),
            )
        }
        Error::NoDevice { path, errno } => {
            why::open(path, options.cpu.unwrap_or(0), &(*errno).into())
        }
        other => Failure::Message(other.to_string()),
    }
}

/// The channel as descriptor `number`, which stays open in the command.
fn at_number(channel: OwnedFd, number: RawFd) -> Result<OwnedFd, Failure> {
    let wrong = |errno| Failure::to(&format!("make the channel descriptor {number}"), errno);
    let there = if channel.as_raw_fd() == number {
        channel
    } else {
        fcntl_dupfd_cloexec(&channel, number).map_err(wrong)?
    };
    if there.as_raw_fd() != number {
        return Err(Failure::Message(format!(
            "descriptor {number} is open already: choose another with --fd"
        )));
    }
    fcntl_setfd(&there, FdFlags::empty()).map_err(wrong)?;
    Ok(there)
}
