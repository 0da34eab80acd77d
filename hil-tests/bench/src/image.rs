//! Images of any number of tasks, as tables built at run time.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offsched::rt::{Inbox, Job, Node, Release, Spawner, State, Task};
use offsched::{Core, IdlePolicy, Image, OnMiss};

/// Jobs that [`count`] has run, on any core.
pub static JOBS: AtomicU64 = AtomicU64::new(0);

/// A task without a budget or a deadline. `run` opens its job first.
pub fn task(name: &'static str, level: u8, release: Release, run: unsafe fn(&Core, Job)) -> Task {
    Task {
        name,
        level,
        release,
        deadline: None,
        budget_ns: None,
        on_miss: OnMiss::Skip,
        capacity: 1,
        measure: false,
        first_node: 0,
        run,
    }
}

/// An event task's release, without a least interval.
pub const EVENT: Release = Release::Event { min_interval_us: 0 };

/// The most tasks of an image with event tasks.
const TASKS_MAX: usize = 513;
/// The inboxes of event tasks, by number: images with such tasks run one at a time.
static INBOXES: [Inbox<(), 1>; TASKS_MAX] = [const { Inbox::new() }; TASKS_MAX];

/// A periodic task's function that counts its jobs and does nothing else.
pub fn count(core: &Core, job: Job) {
    // SAFETY: first thing, with what the executive gave us; a periodic task has no message.
    unsafe { job.open(core) };
    JOBS.store(JOBS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The same of an event task.
pub fn count_spawned(core: &Core, job: Job) {
    open(core, job);
    JOBS.store(JOBS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// What an event task's function does first.
#[inline(always)]
pub fn open(core: &Core, job: Job) {
    // SAFETY: only functions of event tasks in this program's tables call this, first thing, with what the executive
    // gave them; the inbox is the task's.
    unsafe {
        INBOXES[usize::from(job.task())].take(&job);
        job.open(core);
    }
}

/// What the init of an image with event tasks does first.
///
/// # Safety
/// Before any task.
pub unsafe fn reset() {
    for inbox in &INBOXES {
        // SAFETY: before any task; all event tasks here have a capacity of 1.
        unsafe { inbox.reset(1) };
    }
}

/// An image of these tasks, whose tables live for ever.
pub fn image(
    core: &'static Core,
    name: &'static str,
    mut tasks: Vec<Task>,
    init: unsafe fn(&Core),
) -> Image<'static> {
    let mut nodes = 0;
    for task in &mut tasks {
        task.first_node = nodes;
        nodes += task.nodes();
    }
    let states: Vec<State> = tasks.iter().map(|_| State::new()).collect();
    Image {
        name,
        core,
        nodes: (0..nodes).map(|_| Node::new()).collect::<Vec<_>>().leak(),
        states: states.leak(),
        tasks: tasks.leak(),
        channels: &[],
        init,
        idle_policy: IdlePolicy::Poll,
        idle: None,
        drop: |_| {},
    }
}

/// Spawns jobs of one event task, which takes no message.
#[derive(Clone, Copy)]
pub struct Target<'a>(Spawner<'a, ()>);

impl<'a> Target<'a> {
    /// The event task number `task` of the image that `core` runs.
    pub fn new(core: &'a Core, task: u16) -> Self {
        let inbox = &INBOXES[usize::from(task)];
        // SAFETY: `task` is an event task of capacity 1 in images of this program, and this is its inbox.
        Self(unsafe { Spawner::new(core, task, inbox.view()) })
    }

    /// Spawns a job. True if it was taken.
    #[inline(always)]
    pub fn spawn(&self) -> bool {
        self.0.spawn(()).is_ok()
    }
}
