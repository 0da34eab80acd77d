//! A small app, with tables written by hand.
//!
//! `sample` (level 2, every 100 us) sends its number to `report` (level 1, event), which prints it; every fifth sample
//! panics if the test asks for it.

use core::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use offsched::rt::{Core, Inbox, Job, Node, Release, State, Task};
use offsched::{App, IdlePolicy, Image, Rejected};

use super::table::{EVENT, task};

static CORE: Core = Core::new();
static NODES: [Node; 3] = [const { Node::new() }; 3];
static STATES: [State; 2] = [const { State::new() }; 2];
static INBOX: Inbox<(u64,), 2> = Inbox::new();
static SAMPLES: AtomicU64 = AtomicU64::new(0);
/// Whether the third sample panics.
pub static PANICS: AtomicBool = AtomicBool::new(false);

static TASKS: [Task; 2] = [
    Task {
        deadline: Some(100),
        ..task("sample", 2, SAMPLED, 0, sample)
    },
    Task {
        capacity: 2,
        ..task("report", 1, EVENT, 1, report)
    },
];
const SAMPLED: Release = Release::Periodic {
    period_us: 100,
    offset_us: 0,
};

static IMAGE: Image<'static> = Image {
    name: "small",
    core: &CORE,
    tasks: &TASKS,
    nodes: &NODES,
    states: &STATES,
    channels: &[],
    init,
    idle_policy: IdlePolicy::Poll,
    idle: None,
    drop: |_| {},
};

/// The app's type.
pub struct Small;

// SAFETY: the tables below belong together and to this app's core alone.
unsafe impl App for Small {
    const NAME: &'static str = "small";
    fn image() -> &'static Image<'static> {
        &IMAGE
    }
}

/// Spawns `report`.
pub fn spawn_report(n: u64) -> Result<(), Rejected<(u64,)>> {
    // SAFETY: the inbox of task 1, of this app.
    unsafe { offsched::rt::Spawner::new(&CORE, 1, INBOX.view()) }.spawn((n,))
}

unsafe fn init(_: &Core) {
    SAMPLES.store(0, Relaxed);
    // SAFETY: before any task.
    unsafe { INBOX.reset(2) };
}

unsafe fn sample(core: &Core, job: Job) {
    // SAFETY: once, with what the executive gave us.
    unsafe { job.open(core) };
    let n = SAMPLES.fetch_add(1, Relaxed);
    assert!(n != 2 || !PANICS.load(Relaxed), "the third sample");
    let _ = spawn_report(n);
}

unsafe fn report(core: &Core, job: Job) {
    // SAFETY: this task's own inbox, its own job, before open; and then open once.
    let (n,) = unsafe {
        let message = INBOX.take(&job);
        job.open(core);
        message
    };
    // SAFETY: a job runs on the core.
    let (clock, mut console) = unsafe { (core.clock(), core.console()) };
    let _ = writeln!(console, "{n} at {}", clock.now().as_ticks());
}
