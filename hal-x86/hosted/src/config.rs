//! What a caller chooses, and why a core did not start.

use std::io;
use std::path::PathBuf;

use offsched::StartError;

use crate::CpuList;

/// What a caller chooses.
#[derive(Clone, Debug)]
pub struct Config {
    /// The CPU to run on; `None`: the last one in the caller's affinity mask.
    pub cpu: Option<usize>,
    /// Two looks of the polling idle loop further apart than this many ns are a gap.
    pub gap_ns: u64,
    /// An interrupted job runs on for at least this many ns before the next
    /// alarm, and so does the core between two doorbells.
    ///
    /// Setting the timer, its expiry, its signal and the way back take 3 us on
    /// bare metal and 20 us in some virtual machines. A task with a period below
    /// that would otherwise interrupt a longer, less urgent job again before it
    /// has got anywhere, for ever. So this is also how late a release may be
    /// seen while such a job runs.
    pub alarm_min_ns: u64,
    /// `Some(1..=99)`: real-time class SCHED_FIFO with this priority instead of
    /// the normal class. Needs CAP_SYS_NICE or an rtprio limit, and throttling
    /// switched off to be of use (see [`warnings`](crate::warnings())).
    pub fifo: Option<u8>,
    /// Where the lock files of claimed CPUs are; `None`: [`runtime_dir`](crate::runtime_dir).
    pub runtime_dir: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cpu: None,
            gap_ns: 1_000,
            alarm_min_ns: 20_000,
            fifo: None,
            runtime_dir: None,
        }
    }
}

/// Why a core did not start. Nothing runs then.
#[derive(Debug)]
pub enum Error {
    /// The CPU does not exist, is offline, or is not in the affinity mask.
    NoSuchCpu {
        /// The CPU asked for.
        cpu: usize,
        /// Those to choose from.
        available: CpuList,
    },
    /// Another hosted executive has the CPU.
    CpuTaken {
        /// The CPU.
        cpu: usize,
        /// The owner's process id, if it wrote one.
        owner: Option<u32>,
        /// The others to choose from.
        available: CpuList,
    },
    /// The CPU's lock file cannot be had.
    RuntimeDir {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The system refused a part of the set-up.
    System {
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The executive refused to start.
    Start(StartError),
    /// A hook of the [`Boundary`](crate::Boundary) panicked before the app's init: what it said.
    Boundary(String),
    /// The app crashed earlier in this process; its statics are not to be trusted.
    CrashedBefore(&'static str),
}

impl Error {
    pub(crate) fn system(what: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System {
            what,
            source: source.into(),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSuchCpu { cpu, available } => write!(
                f,
                "CPU {cpu} is not one that this process may use: choose from {available}"
            ),
            Self::CpuTaken {
                cpu,
                owner,
                available,
            } => {
                write!(f, "CPU {cpu} already runs an offsched core")?;
                if let Some(pid) = owner {
                    write!(f, " (process {pid})")?;
                }
                f.write_str(": stop that one")?;
                if !available.as_slice().is_empty() {
                    write!(f, ", or choose another CPU of {available}")?;
                }
                Ok(())
            }
            Self::RuntimeDir { path, source } => write!(
                f,
                "cannot use {} to claim a CPU ({source}): make it a directory of your own, \
                 or set XDG_RUNTIME_DIR to one",
                path.display()
            ),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
            Self::Start(error) => error.fmt(f),
            Self::Boundary(message) => write!(
                f,
                "what this program put around the core panicked before the app's init: {message}"
            ),
            Self::CrashedBefore(app) => write!(
                f,
                "the app `{app}` crashed earlier in this process: start it in a new one"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::RuntimeDir { source, .. } | Self::System { source, .. } => Some(source),
            Self::Start(error) => Some(error),
            _ => None,
        }
    }
}
