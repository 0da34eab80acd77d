//! The core thread: its start, its signal handler, its end.
//!
//! ```text
//! body()     pin, mask, timer, HERE = &here
//!   catch_unwind
//!     Core::run
//!       init()             the app's init, then "started"
//!       jobs <- on_signal() -> catch_unwind -> Core::interrupt -> jobs
//!   HERE = null            (by a guard, before any unwinding leaves)
//!   publish the outcome
//! ```
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use offsched::time::Scale;
use offsched::{Core, Image, Setup, StartError};

use crate::alarm::{self, Timer};
use crate::port::HostedPort;
use crate::shared::Shared;
use crate::stack::own_stack;
use crate::{Boundary, Config, CpuList, Error, Outcome, TimeFacts};

thread_local! {
    /// This thread's core, while it runs. Const and without a destructor: a
    /// signal handler may read it.
    static HERE: Cell<*const Here> = const { Cell::new(ptr::null()) };
    /// The signal has come since somebody asked.
    static CAME: Cell<bool> = const { Cell::new(false) };
}

/// What the handler and the wrapped init need of the run that they are in.
struct Here {
    core: &'static Core,
    init: unsafe fn(&Core),
    image: &'static Image<'static>,
    shared: Arc<Shared>,
    boundary: Arc<dyn Boundary>,
}

/// What the controller sends with the thread.
pub(crate) struct Start {
    /// The app's image; tables are not for other threads to look at, so the thread asks for it itself.
    pub image: fn() -> &'static Image<'static>,
    pub config: Config,
    pub cpu: usize,
    pub shared_cpu: bool,
    pub shared: Arc<Shared>,
    pub boundary: Arc<dyn Boundary>,
}

/// True if the signal has come on this thread since the last question.
pub(crate) fn came() -> bool {
    CAME.replace(false)
}

/// The thread's body.
pub(crate) fn body(start: Start) {
    let shared = Arc::clone(&start.shared);
    // Nothing but a hook of the boundary can panic outside of the run, before it starts or as it is dropped.
    let ran = catch_unwind(AssertUnwindSafe(|| prepare_and_run(start)));
    let refused = match ran {
        Ok(ran) => ran,
        Err(panic) => {
            let message = text(&*panic);
            std::mem::forget(panic);
            Err(Error::Boundary(message))
        }
    };
    if let Err(error) = refused {
        shared.refuse(error);
    }
}

fn prepare_and_run(start: Start) -> Result<(), Error> {
    let cpu = CpuList::new(vec![start.cpu]);
    crate::cpus::pin(&cpu).map_err(|error| Error::system("pin the core thread", error))?;
    if let Some(priority) = start.config.fifo {
        set_fifo(priority)?;
    }
    let install =
        alarm::install(on_signal).and_then(|signal| alarm::block_all_but(signal).map(|()| signal));
    let signal = install.map_err(|error| Error::system("install the core's signal", error))?;
    let timer = Timer::of_this_thread(signal)
        .map_err(|error| Error::system("make the core's timer", error))?;
    let time = TimeFacts::take();
    let scale = Scale::new(time.hz, 0).ok_or(Error::Start(StartError::BadFrequency(time.hz)))?;
    start.shared.enter(timer.thread(), signal, time);
    start.boundary.starting(&time);
    alarm::wake_in_time();
    let port = HostedPort::new(timer, scale, &start);
    run(&start, &port, time.hz)
}

fn run(start: &Start, port: &HostedPort<'_>, hz: u64) -> Result<(), Error> {
    let app = (start.image)();
    let stack = own_stack()
        .map_err(|error| Error::system("ask where the core thread's stack lies", error))?;
    let here = Here {
        core: app.core,
        init: app.init,
        image: app,
        shared: Arc::clone(&start.shared),
        boundary: Arc::clone(&start.boundary),
    };
    let image = Image { init, ..*app };
    offsched::log::set_here(core_here);
    let channels = start.boundary.channels();
    let setup = Setup {
        port,
        stack,
        hz,
        gap_ns: start.config.gap_ns,
        memory: start.boundary.memory(),
        channels: &channels,
    };
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let _open = Open::new(&here);
        // SAFETY: the stack is this thread's, and signals run on it too (there is no other for them); the image's
        // functions are those of an App, with `init` wrapped by ours, which calls it.
        unsafe { here.core.run(&image, &setup) }
    }));
    let outcome = match ran {
        Ok(Ok(outcome)) => Outcome::of(outcome, app),
        Ok(Err(error)) => return Err(Error::Start(error)),
        Err(panic) => {
            let outcome = here.crashed(&*panic);
            std::mem::forget(panic);
            outcome
        }
    };
    here.publish(outcome);
    Ok(())
}

/// While it lives, signals reach the core. Dropped by an unwinding too, before
/// it leaves the run's frames.
struct Open;

impl Open {
    fn new(here: &Here) -> Self {
        HERE.set(here);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        HERE.set(ptr::null());
    }
}

/// The core's init: the app's, then word to the controller.
///
/// # Safety
/// As for [`Image::init`]: called by the executive only.
unsafe fn init(core: &Core) {
    // SAFETY: the executive calls this within `run` above, where HERE points to a live Here.
    let here = unsafe { &*HERE.get() };
    // SAFETY: it is this very app's init, called once, before any task, as the executive calls us.
    unsafe { (here.init)(core) };
    here.boundary.started();
    here.shared.started();
}

/// The core whose thread this is, while it runs.
fn core_here() -> Option<&'static Core> {
    let here = HERE.get();
    // SAFETY: HERE is null, or set while `run` above holds the Here it points to, on this thread.
    (!here.is_null()).then(|| unsafe { (*here).core })
}

/// The alarm or a doorbell. On the core thread, on top of whatever it runs;
/// elsewhere it does nothing.
extern "C" fn on_signal(_: libc::c_int) {
    CAME.set(true);
    let here = HERE.get();
    // A thread that unwinds is past saving, and a job on top of it would only blur the picture.
    if here.is_null() || std::thread::panicking() {
        return;
    }
    alarm::keeping_errno(|| {
        // SAFETY: HERE is set only while `run` above holds the Here it points to, on this thread.
        let here = unsafe { &*here };
        let rung = here.shared.heard();
        // SAFETY: on the core's thread, HERE being set between the start and the end of its run. (The few
        // instructions at either end find the ceiling at the kernel's, and only a note is left.)
        let interrupt = || unsafe {
            if rung {
                here.core.doorbell();
            } else {
                here.core.interrupt();
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(interrupt)) {
            // The interrupted jobs below can neither go on nor be unwound through this frame.
            HERE.set(ptr::null());
            here.publish(here.crashed(&*panic));
            std::mem::forget(panic);
            alarm::sleep_for_good();
        }
    });
}

impl Here {
    fn crashed(&self, panic: &(dyn Any + Send)) -> Outcome {
        Outcome::Crashed {
            message: text(panic),
            task: without_panic(|| suspect(self.image, &*self.boundary)).flatten(),
        }
    }

    /// The controller first: whatever becomes of the hook, the run has ended.
    fn publish(&self, outcome: Outcome) {
        self.shared.end(outcome.clone(), self.core);
        without_panic(|| self.boundary.ended(&outcome));
        self.shared.told();
    }
}

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "a panic with something other than text".to_owned(),
    }
}

/// Calls a hook of the boundary after the run; `None` if it panicked, which has been printed. What was thrown is not
/// dropped: it is the caller's too, and could panic again.
fn without_panic<R>(hook: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(hook))
        .map_err(std::mem::forget)
        .ok()
}

/// The task that panicked: the only one with a job that has not ended. With
/// more than one it cannot be told from here.
fn suspect(image: &Image<'_>, boundary: &dyn Boundary) -> Option<&'static str> {
    let open = |task: &offsched::abi::telemetry::TaskTelemetry| {
        task.releases.load(Ordering::Relaxed) > task.completions.load(Ordering::Relaxed)
    };
    let memory = boundary.memory();
    let mut found = image
        .tasks
        .iter()
        .zip(memory.tasks)
        .filter(|(_, telemetry)| open(telemetry));
    match (found.next(), found.next()) {
        (Some((task, _)), None) => Some(task.name),
        _ => None,
    }
}

fn set_fifo(priority: u8) -> Result<(), Error> {
    let param = libc::sched_param {
        sched_priority: i32::from(priority),
    };
    // SAFETY: 0 is the calling thread; the parameter is initialised.
    match unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const param) } {
        0 => Ok(()),
        _ => Err(Error::system(
            "use the real-time class SCHED_FIFO (grant CAP_SYS_NICE or an rtprio limit, or leave it out)",
            std::io::Error::last_os_error(),
        )),
    }
}
