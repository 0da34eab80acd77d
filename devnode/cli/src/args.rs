//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as Options, Parser, Subcommand};

/// A real-time core beside Linux
#[derive(Debug, Parser)]
#[command(name = "offsched", version, max_term_width = 100)]
#[command(
    after_help = "Begin with `offsched demo`. Exit codes: 0 done, 1 failed, 2 usage, 3 (stop) done by force."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the 1 us timer on a spare core, beside Linux's own timers
    ///
    /// Starts a core with the timer service on a pinned thread, lets an application use it through
    /// the hosted device, and shows how late the core's tick is beside `timerfd` and
    /// `clock_nanosleep` on the same machine in the same seconds. Needs no root.
    Demo(DemoOptions),
    /// Print the response times of the apps in source files, as the compiler checks them
    ///
    /// A table for each app: every task's period, budget, blocking and bound on its response time.
    /// Fails if an app can miss a deadline. The services that come with offsched are known; give
    /// the files of others too.
    Analyse(AnalyseOptions),
    /// Take a CPU out of Linux and run an image on it
    ///
    /// The image is checked before any CPU is touched. Needs the kernel module, and what loading a
    /// module needs: CAP_SYS_MODULE, and a kernel that is not locked down.
    Start(StartOptions),
    /// End the image on a CPU and give the CPU back to Linux
    ///
    /// Asks the image to end, waits, then takes the CPU back whatever the image does, and says which
    /// of both happened: exit code 0 if the image ended by itself, 3 if the CPU was taken from it.
    Stop(StopOptions),
    /// Give a CPU back to Linux at once, without asking its image
    Return(ReturnOptions),
    /// List what applications can bind: services and the types of their messages
    ///
    /// Of all CPUs that run an image, or with --device of a hosted core. The number behind a type's
    /// name is its identity, which a typed binding compares.
    Services(StatusOptions),
    /// Show what the cores do: state, services, figures of every task
    ///
    /// All CPUs that have, or had, an image; a CPU that was given back shows its last figures. With
    /// --device a hosted core, at its socket.
    Status(StatusOptions),
    /// Bind a service and run a command whose standard input and output are the channel
    ///
    /// Every read of the command is one whole message from the service, every write one message to it. A read wants a
    /// buffer as large as the message, as `cat` and `dd bs=4096` have. The channel is the command's until it ends. For
    /// instance, one expiry of a one-shot timer, in a shell whose own input and output stay as they are:
    ///
    ///   offsched bind timer --fd 3 -- sh -c 'printf "\1\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" >&3; dd bs=64 count=2 <&3 | hexdump -C'
    #[command(verbatim_doc_comment)]
    Bind(BindOptions),
    /// Print what an image prints on its console
    Console(ConsoleOptions),
    /// Print why a core crashed: message, backtrace, registers
    ///
    /// Reads the record that the image left in its shared memory. With the image's ELF file each
    /// address of the backtrace gets its function, file and line.
    Crash(CrashOptions),
    /// Print what a core's tasks log
    ///
    /// With the time on CLOCK_MONOTONIC, the severity and the level of the task. Frames that were
    /// overwritten before they were read are counted. The texts are in the image's ELF file.
    Log(LogOptions),
}

/// Options of `offsched demo`.
#[derive(Debug, Options)]
pub struct DemoOptions {
    /// How long to run, 1 to 3600
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = seconds, allow_negative_numbers = true)]
    pub seconds: u64,

    /// The CPU for the core; by default the last one that this process may use
    #[arg(long, value_name = "N", value_parser = cpu, allow_negative_numbers = true)]
    pub cpu: Option<usize>,

    /// Print one JSON object at the end instead of a view; everything else goes to the standard error
    #[arg(long)]
    pub json: bool,
}

/// Options of `offsched analyse`.
#[derive(Debug, Options)]
pub struct AnalyseOptions {
    /// Rust sources with apps, and with the services that they include
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// Which device a command is about.
#[derive(Debug, Options)]
pub struct DeviceOptions {
    /// The device: the kernel's node, or (status, services, crash, log) a hosted core's socket
    #[arg(long, value_name = "PATH", default_value = "/dev/offsched")]
    pub device: PathBuf,
}

/// Options of `offsched start`.
#[derive(Debug, Options)]
pub struct StartOptions {
    /// The CPU to take, as numbered in /proc/cpuinfo; not the one that Linux booted on
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: u32,

    /// The image, as `cargo image` builds it
    #[arg(long, value_name = "FILE")]
    pub image: PathBuf,

    /// Let only this group (a name or a number) bind the service; again for more groups or services
    ///
    /// A service that is not named is for all who can open the device. CAP_SYS_ADMIN may bind any.
    #[arg(long, value_name = "SERVICE=GROUP", value_parser = allow)]
    pub allow: Vec<Allow>,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// A service, and a group that may bind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The service's name.
    pub service: String,
    /// The group's name or number.
    pub group: String,
}

/// Options of `offsched stop`.
#[derive(Debug, Options)]
pub struct StopOptions {
    /// The CPU; may be left out if only one runs an image
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: Option<u32>,

    /// Seconds that the image has to end, 0 to 3600
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub timeout: u64,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// Options of `offsched return`.
#[derive(Debug, Options)]
pub struct ReturnOptions {
    /// The CPU; may be left out if only one runs an image
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: Option<u32>,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// Options of `offsched status` and `offsched services`.
#[derive(Debug, Options)]
pub struct StatusOptions {
    /// Only this CPU
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: Option<u32>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// Options of `offsched bind`.
#[derive(Debug, Options)]
pub struct BindOptions {
    /// The service, as `offsched status` lists it
    pub service: String,

    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,

    /// The CPU of the core; by default the first one that runs an image
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: Option<u32>,

    /// Give the command the channel as this descriptor, and leave its standard input and output alone
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(3..=1023))]
    pub fd: Option<i32>,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// Options of `offsched console`.
#[derive(Debug, Options)]
pub struct ConsoleOptions {
    /// The CPU; may be left out if only one runs an image, or none does and only one did
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: Option<u32>,

    /// Go on printing until the image ends
    #[arg(short, long)]
    pub follow: bool,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// Options of `offsched crash`.
#[derive(Debug, Options)]
pub struct CrashOptions {
    /// The ELF file of the image that crashed, not stripped; another one is noticed
    #[arg(long, value_name = "ELF")]
    pub image: Option<PathBuf>,

    /// The CPU of the core; by default the only one that crashed, or else the only one there is
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: Option<u32>,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// Options of `offsched log`.
#[derive(Debug, Options)]
pub struct LogOptions {
    /// The ELF file of the image that runs, or of a hosted core's program; another one is refused
    #[arg(long, value_name = "ELF")]
    pub image: PathBuf,

    /// The CPU of the core; by default the only one that runs an image, or else the only one that did
    #[arg(long, value_name = "N", value_parser = core_cpu, allow_negative_numbers = true)]
    pub cpu: Option<u32>,

    /// Go on until the core ends
    #[arg(short, long)]
    pub follow: bool,

    #[command(flatten)]
    pub device: DeviceOptions,
}

/// The longest run: the samples of Linux's timers have to fit.
const SECONDS_MAX: u64 = 3600;

fn seconds(text: &str) -> Result<u64, String> {
    let found = text.parse().ok();
    let wanted = || format!("give whole seconds from 1 to {SECONDS_MAX}");
    found
        .filter(|seconds| (1..=SECONDS_MAX).contains(seconds))
        .ok_or_else(wanted)
}

fn cpu(text: &str) -> Result<usize, String> {
    core_cpu(text).map(|cpu| cpu as usize)
}

fn core_cpu(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| "give a CPU's number as in /proc/cpuinfo, from 0".to_owned())
}

/// The last `=` parts them: it is in no group's name.
fn allow(text: &str) -> Result<Allow, String> {
    let parts = text.rsplit_once('=');
    let parts = parts.filter(|(service, group)| !service.is_empty() && !group.is_empty());
    let (service, group) = parts.ok_or("give a service and a group: SERVICE=GROUP")?;
    Ok(Allow {
        service: service.to_owned(),
        group: group.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn bad_numbers_are_usage_errors_that_name_the_flag() {
        for (flag, value) in [
            ("--seconds", "0"),
            ("--seconds", "-1"),
            ("--seconds", "3601"),
            ("--seconds", "99999999999999999999999"),
            ("--seconds", "ten"),
            ("--cpu", "x"),
            ("--cpu", "-1"),
        ] {
            let error = Args::try_parse_from(["offsched", "demo", flag, value]).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::ValueValidation,
                "{flag} {value}: {error}"
            );
            assert!(error.to_string().contains(flag), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
