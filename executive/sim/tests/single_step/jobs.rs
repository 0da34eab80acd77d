//! The image whose paths are stepped through.
//!
//! `driver` (level 1) does what the scene says; `periodic`, `event` and `paced` (level 2) and `top` (level 3) each count
//! under one lock. `mail` (level 2) is what a doorbell releases.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use offsched::rt::{
    ChannelCell, ChannelDecl, Core, Inbox, Job, Lock, MessageType, Node, Release, Slot, Spawner,
    State, Task,
};
use offsched::{IdlePolicy, Image, Instant, Mail, Mutex};

use super::scene::{self, Scene};
use super::{table, trap};

/// The image's core.
pub static CORE: Core = Core::new();
static NODES: [Node; 12] = [const { Node::new() }; 12];
static STATES: [State; 6] = [const { State::new() }; 6];
static EVENTS: Inbox<(u64,), 4> = Inbox::new();
static PACED: Inbox<(u64,), 4> = Inbox::new();
static SHARED: Slot<[u64; 2]> = Slot::new();
static MAIL: ChannelCell<u64, u64, 1> = ChannelCell::new();

/// How often `top` has run.
pub static TOP_RUNS: AtomicU64 = AtomicU64::new(0);
/// `mail` has received what was sent between two instructions.
pub static HEARD: AtomicBool = AtomicBool::new(false);
/// Sections that found the shared words in disorder, and operations that failed.
pub static BROKEN: AtomicU64 = AtomicU64::new(0);

/// A task with room for four jobs, or four late releases.
const fn task(
    name: &'static str,
    level: u8,
    release: Release,
    first_node: u16,
    run: unsafe fn(&Core, Job),
) -> Task {
    Task {
        capacity: 4,
        ..table::task(name, level, release, first_node, run)
    }
}

static TASKS: [Task; 6] = [
    task(
        "driver",
        1,
        Release::Periodic {
            period_us: 1_000_000,
            offset_us: 0,
        },
        0,
        driver,
    ),
    task(
        "periodic",
        2,
        Release::Periodic {
            period_us: 1_000_000,
            offset_us: 10,
        },
        1,
        periodic,
    ),
    task("event", 2, table::EVENT, 2, event),
    task("paced", 2, Release::Event { min_interval_us: 5 }, 6, paced),
    task(
        "top",
        3,
        Release::Periodic {
            period_us: 1_000_000,
            offset_us: 100,
        },
        10,
        top,
    ),
    table::task("mail", 2, table::EVENT, 11, mail),
];

static CHANNELS: [ChannelDecl; 1] = [ChannelDecl {
    service: "mail",
    clients: 1,
    ring_bytes: 4096,
    task: 5,
    slot: &MAIL,
    rx_size: 8,
    tx_size: 8,
    rx_type: MessageType::of::<u64>(),
    tx_type: MessageType::of::<u64>(),
}];

/// The image.
pub fn image() -> Image<'static> {
    Image {
        name: "stepped",
        core: &CORE,
        tasks: &TASKS,
        nodes: &NODES,
        states: &STATES,
        channels: &CHANNELS,
        init,
        idle_policy: IdlePolicy::Poll,
        idle: None,
        drop: |_| {},
    }
}

/// The shared words after a run.
pub fn sections() -> [u64; 2] {
    // SAFETY: filled by init; the core has stopped.
    *unsafe { SHARED.get() }
}

unsafe fn init(_: &Core) {
    // SAFETY: before any task.
    unsafe {
        SHARED.write([0, 0]);
        EVENTS.reset(4);
        PACED.reset(4);
    }
}

/// A section on the words that everybody shares.
fn section(core: &Core, inside: impl FnOnce()) {
    // SAFETY: called by jobs on the core; the ceiling is the highest level of all tasks; no section is inside another.
    let mut lock = unsafe { Lock::new(core, &SHARED, 3) };
    lock.lock(|words| {
        let [first, second] = *words;
        if first != second {
            BROKEN.fetch_add(1, Relaxed);
        }
        words[0] = black_box(first + 1);
        inside();
        words[1] = black_box(second + 1);
    });
}

fn events(core: &Core) -> Spawner<'_, (u64,)> {
    // SAFETY: the inbox of task 2.
    unsafe { Spawner::new(core, 2, EVENTS.view()) }
}

fn pacer(core: &Core) -> Spawner<'_, (u64,)> {
    // SAFETY: the inbox of task 3.
    unsafe { Spawner::new(core, 3, PACED.view()) }
}

fn expect(done: bool) {
    if !done {
        BROKEN.fetch_add(1, Relaxed);
    }
}

unsafe fn driver(core: &Core, job: Job) {
    // SAFETY: once, with what we were given.
    unsafe { job.open(core) };
    if scene::scene() == Scene::Idle {
        return;
    }
    trap::start();
    match scene::scene() {
        Scene::SpawnUp => {
            expect(events(core).spawn((1,)).is_ok());
            expect(events(core).spawn((2,)).is_ok());
        }
        Scene::SpawnPaced => {
            expect(pacer(core).spawn((1,)).is_ok());
            expect(pacer(core).spawn((2,)).is_ok());
        }
        Scene::Lock => {
            section(core, || {});
            section(core, || {});
        }
        Scene::LockPending => section(core, || {
            expect(events(core).spawn((1,)).is_ok());
            expect(pacer(core).spawn((2,)).is_ok());
        }),
        Scene::Periodic => scene::come_to_periodic(),
        Scene::SpawnAt => {
            let comes = events(core).spawn_at(Instant::from_ticks(20), (1,));
            let taken_back = events(core).spawn_at(Instant::from_ticks(500), (2,));
            expect(comes.is_ok());
            expect(taken_back.is_ok_and(|handle| handle.cancel() == Ok((2,))));
        }
        Scene::Doorbell => scene::ring_and_interrupt(),
        Scene::Idle => {}
    }
    scene::end_steps();
    scene::settle();
    core.stop();
}

unsafe fn periodic(core: &Core, job: Job) {
    // SAFETY: once, with what we were given.
    unsafe { job.open(core) };
    section(core, || {});
}

unsafe fn top(core: &Core, job: Job) {
    // SAFETY: once, with what we were given.
    unsafe { job.open(core) };
    TOP_RUNS.fetch_add(1, Relaxed);
    // Takes a place from the same list as the spawn that it may have interrupted, and keeps it beyond its own end.
    expect(
        events(core)
            .spawn_at(Instant::from_ticks(140), (1,))
            .is_ok(),
    );
    section(core, || {});
}

unsafe fn mail(core: &Core, job: Job) {
    // SAFETY: once, with what we were given; mail carries no message.
    unsafe { job.open(core) };
    // SAFETY: on the core, for a job of the only task that uses the channel, whose level is the ceiling.
    let mut channel = unsafe { Lock::new(core, MAIL.slot(), 2) };
    if let Some(Mail::Message(..)) = channel.lock(|channel| channel.recv()) {
        HEARD.store(true, Relaxed);
    }
}

unsafe fn event(core: &Core, job: Job) {
    // SAFETY: this task's inbox and job, before open; then open once.
    let (n,) = unsafe {
        let message = EVENTS.take(&job);
        job.open(core);
        message
    };
    section(core, || expect(n == 1 || n == 2));
}

unsafe fn paced(core: &Core, job: Job) {
    // SAFETY: this task's inbox and job, before open; then open once.
    let (n,) = unsafe {
        let message = PACED.take(&job);
        job.open(core);
        message
    };
    section(core, || expect(n == 1 || n == 2));
}
