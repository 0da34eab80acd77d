//! The simulation's way into the executive: with `stack`, the only module with `unsafe`.
//!
//! A machine is reached through a thread-local that is set for the length of
//! one [`run`], so whoever has it is on the simulated core.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::rc::Rc;

use offsched::rt::{Job, Lock, Spawner};
use offsched::{Core, Image, Memory, Mutex, Outcome, Setup, StartError};

use crate::bodies::{AppBodies, Bodies, Resource, SetBodies};
use crate::machine::Machine;
use crate::script::Body;
use crate::stack::own_stack;

thread_local! {
    static HERE: RefCell<Option<Rc<Machine>>> = const { RefCell::new(None) };
}

/// The machine whose core the caller is on.
pub(crate) fn here() -> Option<Rc<Machine>> {
    HERE.with_borrow(Clone::clone)
}

/// Takes the machine off the thread, also when a job panics.
struct Visit;

impl Drop for Visit {
    fn drop(&mut self) {
        HERE.set(None);
    }
}

/// Runs an image on the machine until it stops.
pub(crate) fn run(
    machine: &Rc<Machine>,
    image: &Image<'_>,
    gap_ns: u64,
    memory: Memory<'_>,
) -> Result<Outcome, StartError> {
    if here().is_some() {
        // One thread is one core; it cannot run a second image below the first.
        return Err(StartError::AlreadyRunning);
    }
    HERE.set(Some(machine.clone()));
    let _visit = Visit;
    let setup = Setup {
        port: &**machine,
        stack: own_stack(),
        hz: machine.hz,
        gap_ns,
        memory,
        channels: &machine.channels,
    };
    // SAFETY: the stack is this thread's. The functions of `image` are the app's own or forward to them job by job, or those
    // below, which belong to every task set. The machine calls `interrupt` on this thread only, from within this call.
    unsafe { machine.core().run(image, &setup) }
}

/// The alarm or a doorbell. For the machine only.
pub(crate) fn interrupt(machine: &Machine) {
    // SAFETY: the machine calls this from its port's methods and from places that `here()` leads to, so on the thread
    // and within the time of `run` above.
    unsafe { machine.core().interrupt() };
}

/// A doorbell from Linux's side. For handlers only.
pub(crate) fn doorbell(machine: &Machine) {
    // SAFETY: as for `interrupt`: who has the machine from `here()` is within the time of `run`, on its thread.
    unsafe { machine.core().doorbell() };
}

fn app(machine: &Machine) -> &AppBodies {
    match &machine.bodies {
        Bodies::App(app) => app,
        Bodies::Set(_) => unreachable!("the image of an app runs with the bodies of an app"),
    }
}

fn set(machine: &Machine) -> &SetBodies {
    match &machine.bodies {
        Bodies::Set(set) => set,
        Bodies::App(_) => unreachable!("the image of a set runs with the bodies of a set"),
    }
}

fn on_core() -> Rc<Machine> {
    here().expect("called by the executive, so within run()")
}

/// [`Task::run`](offsched::rt::Task::run) of an app's tasks: the task's own function, then its execution time.
///
/// # Safety
/// As for `Task::run`.
pub(crate) unsafe fn app_job(core: &Core, job: Job) {
    let machine = on_core();
    machine.started(job.task(), job.release_cycles(), 0);
    let own = app(&machine).image.tasks[usize::from(job.task())].run;
    // SAFETY: the executive called us as it would have called this function, for a job of this very task.
    unsafe { own(core, job) };
    app(&machine).execute(&machine, job.task());
    machine.ended();
}

/// [`Image::init`] of an app.
///
/// # Safety
/// As for `Image::init`.
pub(crate) unsafe fn app_init(core: &Core) {
    let machine = on_core();
    // SAFETY: the executive called us as it would have called this function.
    unsafe { (app(&machine).image.init)(core) };
    machine.init_has_ended();
}

/// [`Image::idle`] of an app that has one.
///
/// # Safety
/// As for `Image::idle`.
pub(crate) unsafe fn app_idle(core: &Core) {
    let machine = on_core();
    if let Some(turn) = app(&machine).image.idle {
        // SAFETY: the executive called us as it would have called this function.
        unsafe { turn(core) };
    }
    machine.idle_turn_ends();
}

/// [`Image::drop`] of an app.
///
/// # Safety
/// As for `Image::drop`.
pub(crate) unsafe fn app_drop(core: &Core) {
    let machine = on_core();
    machine.close();
    // SAFETY: the executive called us as it would have called this function.
    unsafe { (app(&machine).image.drop)(core) };
}

/// [`Task::run`](offsched::rt::Task::run) of a set's tasks: the task's script.
///
/// # Safety
/// As for `Task::run`.
pub(crate) unsafe fn set_job(core: &Core, job: Job) {
    let machine = on_core();
    let bodies = set(&machine);
    let task = &bodies.tasks[usize::from(job.task())];
    // SAFETY: we are the run function of the task that owns this inbox, with the job that we were given, before open.
    let value = task
        .inbox
        .as_ref()
        .map_or(0, |inbox| unsafe { inbox.take(&job) });
    let number = machine.started(job.task(), job.release_cycles(), value);
    // SAFETY: once, with the core and the job that we were given, after the message was taken.
    unsafe { job.open(core) };
    bodies.run(&machine, &job, number, value);
    machine.ended();
}

/// [`Image::init`] of a set.
///
/// # Safety
/// As for `Image::init`.
pub(crate) unsafe fn set_init(_: &Core) {
    let machine = on_core();
    for task in &set(&machine).tasks {
        if let Some(inbox) = &task.inbox {
            // SAFETY: before any task.
            unsafe { inbox.reset(task.capacity) };
        }
    }
    for resource in &set(&machine).resources {
        // SAFETY: before any task: nobody uses the slot.
        unsafe { resource.slot.write(0) };
    }
    set(&machine).init(&machine);
    machine.init_has_ended();
}

/// [`Image::idle`] of a set.
///
/// # Safety
/// As for `Image::idle`.
pub(crate) unsafe fn set_idle(_: &Core) {
    let machine = on_core();
    set(&machine).idle(&machine);
    machine.idle_turn_ends();
}

/// [`Image::drop`] of a set.
///
/// # Safety
/// As for `Image::drop`.
pub(crate) unsafe fn set_drop(_: &Core) {
    on_core().close();
}

/// The spawner of a set's event task.
pub(crate) fn spawner<'a>(
    core: &'a Core,
    bodies: &'a SetBodies,
    task: u16,
) -> Option<Spawner<'a, u64>> {
    let inbox = bodies.tasks.get(usize::from(task))?.inbox.as_ref()?.view();
    // SAFETY: the inbox stands in the row of its task, in the table from which the image was built, and goes nowhere else.
    Some(unsafe { Spawner::new(core, task, inbox) })
}

/// Runs `f` under the lock of a set's resource, with the number of sections before it.
///
/// # Panics
/// If the task is above the resource's ceiling, or holds it already.
pub(crate) fn locked<R>(
    body: &Body<'_>,
    number: u16,
    f: impl FnOnce(&Resource, &mut u64) -> R,
) -> R {
    let resource = &body.set.resources[usize::from(number)];
    assert!(
        body.level <= resource.ceiling,
        "a task above the ceiling of resource {number}"
    );
    assert!(
        resource.holder.get() != Some(body.name()),
        "a job locks resource {number} twice"
    );
    // SAFETY: a body exists on the core only, while its job (or the idle function) runs; set_init filled the slot; the
    // ceiling is at least the level of every task that comes here and no job comes twice, both asserted above; only
    // this function reaches the slot.
    let mut lock = unsafe { Lock::new(body.machine.core(), &resource.slot, resource.ceiling) };
    lock.lock(|count| f(resource, count))
}
