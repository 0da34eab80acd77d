//! A panic ends the core, not the process, and is seen at once.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use common::{alone, clock, config, open, periodic, wait_for};
use offsched::abi::channel::ChannelView;
use offsched::rt::Job;
use offsched::{Core, Memory};
use offsched_hosted::{Boundary, Error, Outcome, Running, Telemetry, TimeFacts, spawn};

/// The outcome, without joining.
fn seen(running: &Running) -> Outcome {
    wait_for("an outcome", || running.outcome().is_some());
    running.outcome().unwrap()
}

fn crashed(message: &str, task: Option<&'static str>) -> Outcome {
    Outcome::Crashed {
        message: message.to_owned(),
        task,
    }
}

/// The CPU is free for another app after a crash.
fn another_app_runs() {
    app!(Another, []);
    let running = spawn::<Another>(config(), None).unwrap();
    running.stop();
    assert_eq!(running.join(), Outcome::Stopped);
}

fn fail(core: &Core, job: Job) {
    open(core, job);
    panic!("number {}", 7);
}

#[test]
fn in_a_job_from_idle() {
    let _alone = alone();
    app!(Failing, [periodic("fail", 1, 1_000_000, fail)]);
    let running = spawn::<Failing>(config(), None).unwrap();
    let expected = crashed("number 7", Some("fail"));
    assert_eq!(seen(&running), expected);
    assert_eq!(running.join(), expected);
    assert!(matches!(
        spawn::<Failing>(config(), None),
        Err(Error::CrashedBefore("Failing"))
    ));
    another_app_runs();
}

static WAITING: AtomicBool = AtomicBool::new(false);

/// Never ends by itself, and must never go on after the crash above it.
fn wait(core: &Core, job: Job) {
    open(core, job);
    WAITING.store(true, SeqCst);
    let clock = clock(core);
    while clock.nanos() < 60_000_000_000 {
        std::hint::spin_loop();
    }
    WAITING.store(false, SeqCst);
}

fn fail_on_top(core: &Core, job: Job) {
    open(core, job);
    assert!(!WAITING.load(SeqCst), "on top of a job");
}

#[test]
fn in_a_job_inside_the_signal_handler() {
    let _alone = alone();
    app!(
        FailingOnTop,
        [
            periodic("wait", 1, 1_000_000_000, wait),
            periodic("top", 2, 1_000, fail_on_top),
        ]
    );
    let telemetry = Arc::new(Telemetry::of::<FailingOnTop>());
    let running = spawn::<FailingOnTop>(config(), Some(telemetry.clone())).unwrap();
    // Two jobs are under way, so the task is not known.
    let expected = crashed("on top of a job", None);
    assert_eq!(seen(&running), expected);
    let handle = running.handle();
    assert_eq!(running.join(), expected);
    // The interrupted job is frozen, and the bells have nobody to hear them.
    handle.doorbell();
    handle.stop();
    another_app_runs();
    assert!(WAITING.load(SeqCst));
    assert_eq!(telemetry.tasks()[0].completions.load(SeqCst), 0);
}

#[test]
fn in_init() {
    let _alone = alone();
    app!(
        FailingInit,
        [periodic("fail", 1, 1_000, fail)],
        init = |_| panic!("no device")
    );
    let running = spawn::<FailingInit>(config(), None).unwrap();
    assert_eq!(running.join(), crashed("no device", None));
    another_app_runs();
}

#[test]
fn with_something_other_than_text() {
    let _alone = alone();
    app!(
        FailingOddly,
        [],
        idle = Some(|_| std::panic::panic_any(7_u8))
    );
    let running = spawn::<FailingOddly>(config(), None).unwrap();
    let outcome = seen(&running);
    assert!(
        matches!(outcome, Outcome::Crashed { task: None, .. }),
        "{outcome}"
    );
}

/// A boundary that panics in one of its hooks. (Its controller used to wait for ever.)
struct Failing {
    telemetry: Telemetry,
    hook: &'static str,
    /// Calls of `ended`.
    ended: AtomicU32,
}

impl Failing {
    fn of<A: offsched::App>(hook: &'static str) -> Arc<Self> {
        Arc::new(Self {
            telemetry: Telemetry::of::<A>(),
            hook,
            ended: AtomicU32::new(0),
        })
    }

    fn comes_to(&self, hook: &str) {
        assert_ne!(self.hook, hook);
    }
}

impl Boundary for Failing {
    fn memory(&self) -> Memory<'_> {
        self.comes_to("memory");
        self.telemetry.memory()
    }

    fn channels(&self) -> Vec<ChannelView<'_>> {
        self.comes_to("channels");
        self.telemetry.channels()
    }

    fn starting(&self, _: &TimeFacts) {
        self.comes_to("starting");
    }

    fn started(&self) {
        self.comes_to("started");
    }

    fn ended(&self, _: &Outcome) {
        self.ended.fetch_add(1, SeqCst);
        self.comes_to("ended");
    }
}

#[test]
fn in_the_boundary_before_init() {
    let _alone = alone();
    app!(Unstarted, []);
    for hook in ["memory", "channels", "starting"] {
        let refused = spawn::<Unstarted>(config(), Some(Failing::of::<Unstarted>(hook)));
        let Err(Error::Boundary(message)) = refused else {
            panic!("{hook}: {refused:?}");
        };
        assert!(message.contains(hook), "{message}");
    }
    // The CPU is free, and the app as good as new.
    let running = spawn::<Unstarted>(config(), None).unwrap();
    running.stop();
    assert_eq!(running.join(), Outcome::Stopped);
}

#[test]
fn in_the_boundary_after_init() {
    let _alone = alone();
    app!(Crashing, []);
    let boundary = Failing::of::<Crashing>("started");
    let running = spawn::<Crashing>(config(), Some(boundary.clone())).unwrap();
    let outcome = running.join();
    assert!(
        matches!(outcome, Outcome::Crashed { task: None, .. }),
        "{outcome:?}"
    );
    assert_eq!(boundary.ended.load(SeqCst), 1);
}

#[test]
fn in_the_boundary_at_the_end_changes_nothing() {
    let _alone = alone();
    app!(Ending, []);
    for _ in 0..2 {
        let boundary = Failing::of::<Ending>("ended");
        let running = spawn::<Ending>(config(), Some(boundary.clone())).unwrap();
        running.stop();
        wait_for("the outcome", || running.outcome().is_some());
        assert_eq!(running.join(), Outcome::Stopped);
        assert_eq!(boundary.ended.load(SeqCst), 1);
    }
}
