//! Spawns from outside the core, which need a second thread: none is let in, whatever the core does meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use offsched::abi::telemetry::{CoreTelemetry, TaskTelemetry};
use offsched::rt::{Core, Inbox, Job, Node, Spawner, State, Task};
use offsched::{Duration, IdlePolicy, Image, Memory, Outcome, Port, Reason, Setup, StartError};
use offsched_sim::own_stack;

#[path = "common/table.rs"]
mod table;

static CORE: Core = Core::new();
static NODES: [Node; 1] = [const { Node::new() }; 1];
static STATES: [State; 1] = [const { State::new() }; 1];
static INBOX: Inbox<u64, 1> = Inbox::new();
static TASKS: [Task; 1] = [table::task("task", 1, table::EVENT, 0, task)];

/// Spawns that were refused because they came from outside, so far, those while no core ran apart; and all runs are over.
static REFUSED: AtomicU64 = AtomicU64::new(0);
static REFUSED_AT_REST: AtomicU64 = AtomicU64::new(0);
static OVER: AtomicBool = AtomicBool::new(false);

/// Stops the core when one more spawn from outside has been refused than there were at its start, or none comes any more.
struct Counter {
    time: AtomicU64,
    refused: u64,
}

impl Port for Counter {
    fn now(&self) -> u64 {
        self.time.fetch_add(1, SeqCst)
    }
    fn arm(&self, _: u64) {}
    fn relax(&self, _: u64) -> Option<u64> {
        if REFUSED.load(SeqCst) > self.refused || OVER.load(SeqCst) {
            CORE.stop();
        }
        std::thread::yield_now();
        None
    }
    fn pause(&self) {}
    fn ring(&self, _: u16) {}
    fn console(&self, _: &[u8]) {}
}

unsafe fn init(_: &Core) {
    // SAFETY: before any task.
    unsafe { INBOX.reset(1) };
}

unsafe fn task(core: &Core, job: Job) {
    // SAFETY: this task's inbox and job, before open; then open once.
    unsafe {
        let _ = INBOX.take(&job);
        job.open(core);
    }
}

fn spawn(later: bool) -> Result<(), Reason> {
    // SAFETY: the inbox of task 0.
    let spawner = unsafe { Spawner::new(&CORE, 0, INBOX.view()) };
    let spawned = if later {
        spawner.spawn_after(Duration::from_ticks(5), 1).map(drop)
    } else {
        spawner.spawn(1)
    };
    let spawned = spawned.map_err(|rejected| rejected.reason);
    match spawned {
        Err(Reason::NotOnCore) => drop(REFUSED.fetch_add(1, SeqCst)),
        Err(Reason::NotRunning) => drop(REFUSED_AT_REST.fetch_add(1, SeqCst)),
        _ => {}
    }
    spawned
}

/// Spawns until all runs are over; true if it was refused every time.
fn spawn_from_outside() -> bool {
    let mut refused = true;
    for turn in 0u64.. {
        match spawn(turn % 2 == 0) {
            Ok(()) => refused = false,
            Err(Reason::NotOnCore) => {}
            Err(_) => std::thread::yield_now(),
        }
        if OVER.load(SeqCst) {
            break;
        }
    }
    refused
}

/// Runs the core on the calling thread until a spawn from outside has been refused. How many were counted.
fn run(stack: std::ops::Range<usize>) -> Result<u64, StartError> {
    let (core, tasks) = (Box::<CoreTelemetry>::default(), [TaskTelemetry::default()]);
    let image = Image {
        name: "foreign",
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
    let port = Counter {
        time: AtomicU64::new(1),
        refused: REFUSED.load(SeqCst),
    };
    let setup = Setup {
        port: &port,
        stack,
        hz: 1_000_000_000,
        gap_ns: u64::MAX,
        memory: Memory {
            core: &core,
            tasks: &tasks,
        },
        channels: &[],
    };
    // SAFETY: the stack is this thread's, or the run is refused; the functions are those of the image's tables.
    let outcome = unsafe { CORE.run(&image, &setup) }?;
    assert_eq!(outcome, Outcome::Stopped);
    assert_eq!(tasks[0].releases.load(SeqCst), 0);
    Ok(core.foreign_spawns.load(SeqCst))
}

/// A spawn from outside that looked before a run's end and went on after it was let in once. Here runs begin and end on
/// two threads in turn, while two others spawn without a pause.
#[test]
fn no_spawn_from_outside_is_let_in_whatever_the_core_does() {
    assert_eq!(run(0x1000..0x9000), Err(StartError::OtherStack));
    assert_eq!(spawn(false), Err(Reason::NotRunning));
    let outside = [(); 2].map(|()| std::thread::spawn(spawn_from_outside));
    let mut counted = 0;
    for _ in 0..50 {
        counted += run(own_stack()).unwrap();
        counted += std::thread::spawn(|| run(own_stack()).unwrap())
            .join()
            .unwrap();
        assert_eq!(spawn(false), Err(Reason::NotRunning), "between two runs");
    }
    OVER.store(true, SeqCst);
    assert!(outside.map(|thread| thread.join().unwrap()) == [true; 2]);
    // One more run: what came after the end of the last shows here. None is counted twice, and none not at all.
    counted += run(own_stack()).unwrap();
    let refused = [&REFUSED, &REFUSED_AT_REST].map(|count| count.load(SeqCst));
    assert!(refused[0] >= 100, "{refused:?}");
    assert_eq!(counted, refused.iter().sum());
}
