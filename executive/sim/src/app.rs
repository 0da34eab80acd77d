//! Running an app: the image that the attributes built, on a simulated core.

use std::any::TypeId;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use offsched::rt::Task;
use offsched::{App, Image, StartError};

use crate::access;
use crate::bodies::{AppBodies, Bodies, Target};
use crate::config::{Config, Execution};
use crate::machine::Machine;
use crate::random::Random;
use crate::record::Names;
use crate::run::{Run, execute};

/// Runs an app in virtual time until it stops or the configured length is over.
///
/// An app's state is static, so it can run once at a time: threads that run
/// the same app take turns.
///
/// # Errors
/// [`StartError`]; `AlreadyRunning` if the calling thread is a simulated core already.
///
/// # Panics
/// If the configuration names a task that the app does not have.
pub fn run<A: App>(config: &Config) -> Result<Run, StartError> {
    let _turn = Turn::take(TypeId::of::<A>())?;
    let original = A::image();
    let tasks: Vec<Task> = original
        .tasks
        .iter()
        .map(|task| Task {
            run: access::app_job,
            ..task.clone()
        })
        .collect();
    let names = Names {
        tasks: tasks.iter().map(|task| task.name).collect(),
        resources: Vec::new(),
    };
    let bodies = AppBodies {
        image: original,
        execution: execution(config, &names),
        random: RefCell::new(Random::fork(config.seed, 0)),
    };
    let image = Image {
        tasks: &tasks,
        init: access::app_init,
        idle: original
            .idle
            .map(|_| access::app_idle as unsafe fn(&offsched::Core)),
        drop: access::app_drop,
        ..*original
    };
    let machine = Rc::new(Machine::new(
        config,
        Target::App(original.core),
        Bodies::App(bodies),
        &image,
    ));
    execute(config, &machine, &image, names)
}

/// The configured execution times, by number of the task.
fn execution(config: &Config, names: &Names) -> Vec<Option<Execution>> {
    let mut execution = vec![None; names.tasks.len()];
    for (name, length) in &config.execution {
        let task = names.tasks.iter().position(|task| task == name);
        let task = task.unwrap_or_else(|| {
            panic!("execution time for `{name}`: the app has {:?}", names.tasks)
        });
        execution[task] = Some(*length);
    }
    execution
}

/// Apps that run, and the threads that run them.
static RUNNING: Mutex<Vec<(TypeId, ThreadId)>> = Mutex::new(Vec::new());
static CHANGED: Condvar = Condvar::new();

fn running() -> MutexGuard<'static, Vec<(TypeId, ThreadId)>> {
    // A thread that panicked inside left the list whole: every change is one push or one retain.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to run one app; given back when dropped, also by a job's panic.
struct Turn(TypeId);

impl Turn {
    /// Waits until no other thread runs the app.
    fn take(app: TypeId) -> Result<Self, StartError> {
        let me = std::thread::current().id();
        let mut list = running();
        loop {
            if list.iter().any(|(_, thread)| *thread == me) {
                return Err(StartError::AlreadyRunning);
            }
            if list.iter().all(|(other, _)| *other != app) {
                list.push((app, me));
                return Ok(Self(app));
            }
            list = CHANGED.wait(list).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        running().retain(|(app, _)| *app != self.0);
        CHANGED.notify_all();
    }
}
