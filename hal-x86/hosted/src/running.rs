//! A core that runs, as its controller sees it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use offsched::{App, Core, Image};

use crate::claim::{claim, runtime_dir};
use crate::shared::{Shared, has_crashed};
use crate::thread::{self, Start};
use crate::{Boundary, Config, Error, Telemetry, TimeFacts, allowed, cpus};

/// How a core's run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Asked to stop.
    Stopped,
    /// A task whose policy is `stop` missed its deadline.
    Missed {
        /// The task's name.
        task: &'static str,
    },
    /// A panic on the core.
    Crashed {
        /// What it said.
        message: String,
        /// The task, where it can be told: not for init and idle, nor with several jobs under way.
        task: Option<&'static str>,
    },
}

impl Outcome {
    pub(crate) fn of(outcome: offsched::Outcome, image: &Image<'_>) -> Self {
        match outcome {
            offsched::Outcome::Stopped => Self::Stopped,
            offsched::Outcome::Missed(task) => Self::Missed {
                task: image
                    .tasks
                    .get(usize::from(task))
                    .map_or("?", |task| task.name),
            },
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped as asked"),
            Self::Missed { task } => write!(f, "stopped: task `{task}` missed its deadline"),
            Self::Crashed {
                message,
                task: Some(task),
            } => write!(f, "crashed in task `{task}`: {message}"),
            Self::Crashed {
                message,
                task: None,
            } => write!(f, "crashed: {message}"),
        }
    }
}

/// Rings and stops a core, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    core: CoreRef,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy)]
struct CoreRef(&'static Core);

impl std::fmt::Debug for CoreRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Core({:#x})", std::ptr::from_ref(self.0).addr())
    }
}

impl Handle {
    /// Tells the core to look at once, whatever it runs. Many rings before it
    /// has heard one are one; a ring too soon after the last waits
    /// ([`Config::alarm_min_ns`]), so that nobody can keep the core busy with
    /// it. Nothing happens if the core has ended. Not for the core's own tasks.
    pub fn doorbell(&self) {
        self.shared.ring();
    }

    /// Asks the core to stop: jobs that run end first.
    pub fn stop(&self) {
        if self.shared.is_live() {
            self.core.0.stop();
            // It may sleep.
            self.shared.ring();
        }
    }

    /// How the run ended; `None` while it goes on.
    pub fn outcome(&self) -> Option<Outcome> {
        self.shared.outcome()
    }
}

/// A core that was started. Dropping it asks the core to stop and does not wait.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    time: TimeFacts,
    cpu: usize,
    shared_cpu: bool,
}

impl Running {
    /// A handle for other threads.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The CPU it runs on.
    pub fn cpu(&self) -> usize {
        self.cpu
    }

    /// True if the process has no other CPU: the core gives way between looks at the clock.
    pub fn shares_cpu(&self) -> bool {
        self.shared_cpu
    }

    /// The core's counter and Linux's clock, read together just before init.
    pub fn time(&self) -> TimeFacts {
        self.time
    }

    /// Asks the core to stop: jobs that run end first.
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// How the run ended; `None` while it goes on. A crash shows here at once.
    pub fn outcome(&self) -> Option<Outcome> {
        self.handle.outcome()
    }

    /// Waits for the run's end.
    pub fn join(mut self) -> Outcome {
        let shared = Arc::clone(&self.handle.shared);
        shared.wait_ended();
        let outcome = shared.outcome().unwrap_or(Outcome::Stopped);
        if !matches!(outcome, Outcome::Crashed { .. })
            && let Some(thread) = self.thread.take()
        {
            // Its body catches every panic. A crashed core's thread may sleep for good, so nobody waits for that.
            let _ = thread.join();
        }
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

/// Starts an app on a core thread and returns when its init is done.
///
/// The core publishes to `boundary`; `None` gives it telemetry of its own that
/// nobody looks at.
///
/// # Errors
/// [`Error`]; then nothing runs.
pub fn spawn<A: App>(
    config: Config,
    boundary: Option<Arc<dyn Boundary>>,
) -> Result<Running, Error> {
    let image = A::image();
    if has_crashed(image.core) {
        return Err(Error::CrashedBefore(A::NAME));
    }
    let available = allowed()?;
    let cpu = cpus::choose(config.cpu, &available)?;
    let shared_cpu = available.as_slice() == [cpu];
    let dir = config.runtime_dir.clone().unwrap_or_else(runtime_dir);
    let shared = Arc::new(Shared::new(
        claim(&dir, cpu, &available)?,
        Duration::from_nanos(config.alarm_min_ns),
    ));
    let boundary = boundary.unwrap_or_else(|| Arc::new(Telemetry::of::<A>()));
    let start = Start {
        image: A::image,
        config,
        cpu,
        shared_cpu,
        shared: Arc::clone(&shared),
        boundary,
    };
    let thread = std::thread::Builder::new()
        .name(format!("offsched-cpu{cpu}"))
        .spawn(move || thread::body(start))
        .map_err(|error| Error::system("start the core thread", error))?;
    let time = shared.wait_started()?.unwrap_or_else(TimeFacts::take);
    let handle = Handle {
        core: CoreRef(image.core),
        shared,
    };
    Ok(Running {
        handle,
        thread: Some(thread),
        time,
        cpu,
        shared_cpu,
    })
}

/// Runs an app on a core thread to its end, with telemetry of its own.
///
/// # Errors
/// [`Error`]; then nothing has run.
pub fn run<A: App>(config: Config) -> Result<Outcome, Error> {
    Ok(spawn::<A>(config, None)?.join())
}
