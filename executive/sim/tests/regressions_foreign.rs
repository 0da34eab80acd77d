//! A defect that needs a second thread: a spawn from outside that the end of the run overtakes.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use offsched::abi::telemetry::{CoreTelemetry, TaskTelemetry};
use offsched::rt::{Core, Inbox, Job, Node, Release, Spawner, State, Task};
use offsched::{Duration, Image, Memory, OnMiss, Outcome, Port, Reason, Setup};

static CORE: Core = Core::new();
static NODES: [Node; 1] = [const { Node::new() }; 1];
static STATES: [State; 1] = [const { State::new() }; 1];
static INBOX: Inbox<u64, 1> = Inbox::new();
static TASKS: [Task; 1] = [Task {
    name: "task",
    level: 1,
    release: Release::Event { min_interval_us: 0 },
    deadline: None,
    budget_ns: None,
    on_miss: OnMiss::Count,
    capacity: 1,
    measure: true,
    first_node: 0,
    run: task,
}];

/// The thread outside has begun to ask who it is; the run has ended.
static ASKS: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// As in the hosted port: a number on the core's thread, 0 elsewhere.
    static ME: Cell<usize> = const { Cell::new(0) };
}

/// Linux takes the CPU from the thread outside, here, until the run has ended.
fn whoami() -> usize {
    if ME.get() == 0 {
        ASKS.store(true, SeqCst);
        while !ENDED.load(SeqCst) {
            std::thread::yield_now();
        }
    }
    ME.get()
}

struct Counter(AtomicU64);

impl Port for Counter {
    fn now(&self) -> u64 {
        self.0.fetch_add(1, SeqCst)
    }
    fn arm(&self, _: u64) {}
    fn relax(&self, _: u64) -> Option<u64> {
        if ASKS.load(SeqCst) {
            CORE.stop();
        }
        None
    }
    fn pause(&self) {}
    fn ring(&self, _: u16) {}
    fn console(&self, _: &[u8]) {}
}

unsafe fn task(core: &Core, job: Job) {
    // SAFETY: this task's inbox and job, before open; then open once.
    unsafe {
        let _ = INBOX.take(&job);
        job.open(core);
    }
}

fn spawn_from_outside() -> Option<Reason> {
    loop {
        // SAFETY: the inbox of task 0.
        let spawner = unsafe { Spawner::new(&CORE, 0, INBOX.view()) };
        let spawned = spawner.spawn_after(Duration::from_ticks(5), 1);
        match spawned.map(drop).map_err(|rejected| rejected.reason) {
            Err(Reason::NotRunning) => std::thread::yield_now(),
            other => return other.err(),
        }
    }
}

/// "Nobody", as such a thread is called, was compared with the core's owner, which is nobody once the run has ended.
#[test]
fn a_foreign_spawn_is_not_let_in_by_the_end_of_the_run() {
    let outside = std::thread::spawn(spawn_from_outside);
    ME.set(1);
    let (core, tasks) = (Box::<CoreTelemetry>::default(), [TaskTelemetry::default()]);
    let image = Image {
        name: "foreign",
        core: &CORE,
        tasks: &TASKS,
        nodes: &NODES,
        states: &STATES,
        channels: &[],
        init: |_| {},
        idle: None,
        drop: |_| {},
    };
    let setup = Setup {
        port: &Counter(AtomicU64::new(1)),
        whoami,
        hz: 1_000_000_000,
        gap_ns: u64::MAX,
        memory: Memory {
            core: &core,
            tasks: &tasks,
        },
        channels: &[],
    };
    // SAFETY: `whoami` is 1 on this thread alone; the functions are those of the image's tables.
    let outcome = unsafe { CORE.run(&image, &setup) };
    ENDED.store(true, SeqCst);
    assert_eq!(outcome, Ok(Outcome::Stopped));
    assert_eq!(outside.join().unwrap(), Some(Reason::NotOnCore));
}
