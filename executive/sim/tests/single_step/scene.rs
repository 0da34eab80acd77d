//! One run of a scene: a port that is all statics, its timer, and the jump of the clock. Times are cycles of 1 ns.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};

use offsched::abi::channel::{AppEnd, ChannelState, ChannelView, ControlPage};
use offsched::abi::telemetry::{CoreTelemetry, TaskTelemetry};
use offsched::{Memory, Outcome, Port, Setup};

use super::jobs::{BROKEN, CORE, HEARD, TOP_RUNS, image, sections};
use super::trap;

/// What is stepped through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    SpawnUp,
    SpawnPaced,
    Lock,
    LockPending,
    Periodic,
    SpawnAt,
    Doorbell,
    Idle,
}

/// A jump of the clock to the release of `top` after so many instructions; in the scene `Doorbell`, mail.
#[derive(Clone, Copy)]
pub struct Injection {
    pub step: u64,
    /// An interrupt comes with it, whether or not the alarm is set.
    pub at_once: bool,
}

/// What a run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Result {
    pub steps: u64,
    /// `top` had run when the scene was over.
    pub top_in_time: bool,
    /// So had `mail`, with the mail.
    pub heard: bool,
    /// Sections that found the shared words in disorder, and operations that failed.
    pub broken: u64,
    pub sections: u64,
    pub completions: [u64; 6],
}

const START: u64 = 1_000_000;
const PERIODIC_DUE: u64 = START + 10_000;
const TOP_DUE: u64 = START + 100_000;

static NOW: AtomicU64 = AtomicU64::new(0);
static ALARM: AtomicU64 = AtomicU64::new(u64::MAX);
static SCENE: AtomicU8 = AtomicU8::new(0);
static INJECT_AT: AtomicU64 = AtomicU64::new(u64::MAX);
static AT_ONCE: AtomicBool = AtomicBool::new(false);
static TOP_IN_TIME: AtomicBool = AtomicBool::new(false);
static HEARD_IN_TIME: AtomicBool = AtomicBool::new(false);
static TURNS: AtomicU64 = AtomicU64::new(0);
static STEPS: AtomicU64 = AtomicU64::new(0);

const SCENES: [Scene; 8] = [
    Scene::SpawnUp,
    Scene::SpawnPaced,
    Scene::Lock,
    Scene::LockPending,
    Scene::Periodic,
    Scene::SpawnAt,
    Scene::Doorbell,
    Scene::Idle,
];

/// The only channel's place.
fn place() -> ChannelView<'static> {
    type Parts = (ChannelState, ControlPage, [Vec<AtomicU64>; 2]);
    static PARTS: OnceLock<Parts> = OnceLock::new();
    let ring = || (0..512).map(|_| AtomicU64::new(0)).collect();
    let new = || (ChannelState::new(), ControlPage::new(), [ring(), ring()]);
    let (state, control, [to_core, from_core]) = PARTS.get_or_init(new);
    let view = ChannelView::from_parts(state, control, to_core, from_core);
    let view = view.and_then(|view| view.of_sizes(image().channels[0].sizes()));
    view.expect("room enough")
}

/// Who has it in the scene `Doorbell`.
static CLIENT: Mutex<Option<AppEnd<'static>>> = Mutex::new(None);

fn bind(view: &ChannelView<'static>) {
    let epoch = view.open().expect("nobody has it");
    *CLIENT.lock().unwrap() = Some(AppEnd::new(*view, epoch));
}

fn unbind(view: &ChannelView<'static>) {
    if CLIENT.lock().unwrap().take().is_some() {
        assert!(view.state().close() && view.state().retire());
    }
}

/// Sends, and rings if that is asked for.
fn send_mail() {
    let sent = CLIENT
        .lock()
        .unwrap()
        .as_mut()
        .map(|end| end.try_send(&[0; 8]).expect("room for one"));
    if sent.is_some_and(|sent| sent.ring_doorbell) {
        doorbell();
    }
}

/// Runs a scene.
pub fn run(scene: Scene, injection: Option<Injection>) -> Result {
    NOW.store(START, Relaxed);
    ALARM.store(u64::MAX, Relaxed);
    SCENE.store(scene as u8, Relaxed);
    INJECT_AT.store(
        injection.map_or(u64::MAX, |injection| injection.step),
        Relaxed,
    );
    AT_ONCE.store(
        injection.is_some_and(|injection| injection.at_once),
        Relaxed,
    );
    for word in [&TOP_RUNS, &BROKEN, &TURNS] {
        word.store(0, Relaxed);
    }
    HEARD.store(false, Relaxed);
    let place = place();
    if scene == Scene::Doorbell {
        bind(&place);
    }
    let (core, tasks) = (
        Box::<CoreTelemetry>::default(),
        std::array::from_fn::<_, 6, _>(|_| TaskTelemetry::default()),
    );
    let memory = Memory {
        core: &core,
        tasks: &tasks,
    };
    let setup = Setup {
        port: &Stepped,
        stack: offsched_sim::own_stack(),
        hz: 1_000_000_000,
        gap_ns: u64::MAX,
        memory,
        channels: &[place],
    };
    // SAFETY: the stack is this thread's; the functions are those of the image's tables.
    let outcome = unsafe { CORE.run(&image(), &setup) };
    assert_eq!(outcome, Ok(Outcome::Stopped));
    unbind(&place);
    let [sections, same] = sections();
    Result {
        steps: STEPS.load(Relaxed),
        top_in_time: TOP_IN_TIME.load(Relaxed),
        heard: HEARD_IN_TIME.load(Relaxed),
        broken: BROKEN.load(Relaxed) + u64::from(sections != same),
        sections,
        completions: tasks.map(|task| task.completions.load(Relaxed)),
    }
}

/// The timer, after each instruction. False when stepping can end: `top` has had its chance and taken it.
pub fn after_instruction(step: u64) -> bool {
    let inject_at = INJECT_AT.load(Relaxed);
    if step < inject_at {
        // So far the scenes ring themselves, so that the executive's part of that is stepped through.
        return true;
    }
    if scene() == Scene::Doorbell {
        send_mail();
        return false;
    }
    if step == inject_at {
        NOW.fetch_max(TOP_DUE, Relaxed);
        if AT_ONCE.load(Relaxed) {
            interrupt();
        }
    }
    ring_if_due();
    TOP_RUNS.load(Relaxed) == 0
}

fn ring_if_due() {
    if ALARM.load(Relaxed) <= NOW.load(Relaxed) {
        ALARM.store(u64::MAX, Relaxed);
        interrupt();
    }
}

fn interrupt() {
    // SAFETY: stepping begins and ends within the run, on its thread; and so do the calls from the scenes.
    unsafe { CORE.interrupt() };
}

fn doorbell() {
    // SAFETY: as in `interrupt`.
    unsafe { CORE.doorbell() };
}

/// A doorbell without mail, and an interrupt that no bell came with: the executive takes the bell's word, and finds none.
pub fn ring_and_interrupt() {
    doorbell();
    interrupt();
}

/// The scene of this run.
pub fn scene() -> Scene {
    SCENES[usize::from(SCENE.load(Relaxed))]
}

/// The clock comes to the release of `periodic`, and the alarm goes off if it is set.
pub fn come_to_periodic() {
    NOW.fetch_max(PERIODIC_DUE, Relaxed);
    ring_if_due();
}

/// The end of what is stepped through.
#[inline(always)]
pub fn end_steps() {
    trap::stop();
    STEPS.store(trap::steps(), Relaxed);
}

/// What every scene ends with: everything that was put off becomes due.
pub fn settle() {
    // The alarm may have been set by the last instruction.
    ring_if_due();
    HEARD_IN_TIME.store(HEARD.load(Relaxed), Relaxed);
    TOP_IN_TIME.store(TOP_RUNS.load(Relaxed) == 1, Relaxed);
    NOW.store(TOP_DUE + 50_000, Relaxed);
    interrupt();
}

struct Stepped;

impl Port for Stepped {
    fn now(&self) -> u64 {
        NOW.load(Relaxed)
    }

    fn arm(&self, at: u64) {
        ALARM.store(at, Relaxed);
    }

    fn relax(&self, _: u64) -> Option<u64> {
        if scene() == Scene::Idle {
            match TURNS.fetch_add(1, Relaxed) {
                0 => trap::start(),
                1 => drop(NOW.fetch_max(PERIODIC_DUE, Relaxed)),
                2 => {}
                // The loop gets one more turn to see a release that came just now: it polls, so no alarm is set.
                3 => end_steps(),
                4 => settle(),
                _ => CORE.stop(),
            }
        }
        None
    }

    fn pause(&self) {}

    fn ring(&self, _: u16) {}

    fn console(&self, _: &[u8]) {}
}
