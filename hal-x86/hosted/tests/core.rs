//! A hosted core's life: start, periodic jobs, preemption, doorbell, stop.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Instant;

use common::{alone, clock, config, directory, open, periodic, wait_for};
use offsched::rt::{Job, Task};
use offsched::{Core, IdlePolicy, OnMiss, StartError};
use offsched_hosted::{Boundary, Config, Error, Outcome, Telemetry, allowed, run, spawn};

static TICKS: AtomicU32 = AtomicU32::new(0);
static INITS: AtomicU32 = AtomicU32::new(0);
static DROPS: AtomicU32 = AtomicU32::new(0);

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, SeqCst);
}

fn tick(core: &Core, job: Job) {
    open(core, job);
    count(&TICKS);
}

app!(
    Ticking,
    [periodic("tick", 2, 100, tick)],
    init = |_| count(&INITS),
    drop = |_| count(&DROPS)
);

#[test]
fn periodic_jobs_run_until_the_core_is_stopped_and_again_after_that() {
    let _alone = alone();
    for round in 1..=2 {
        let telemetry = Arc::new(Telemetry::of::<Ticking>());
        let before = TICKS.load(SeqCst);
        let running = spawn::<Ticking>(config(), Some(telemetry.clone())).unwrap();
        assert_eq!((INITS.load(SeqCst), running.outcome()), (round, None));
        wait_for("10 jobs", || TICKS.load(SeqCst) >= before + 10);
        running.stop();
        assert_eq!(running.join(), Outcome::Stopped);
        let jobs = u64::from(TICKS.load(SeqCst) - before);
        assert_eq!(telemetry.tasks()[0].completions.load(SeqCst), jobs);
        assert_eq!(DROPS.load(SeqCst), round);
    }
}

#[test]
fn a_stop_that_comes_at_once_is_not_lost() {
    let _alone = alone();
    app!(Brief, []);
    for _ in 0..20 {
        let running = spawn::<Brief>(config(), None).unwrap();
        let handle = running.handle();
        handle.stop();
        assert_eq!(running.join(), Outcome::Stopped);
        // After the end both are for nothing, and harmless.
        handle.doorbell();
        handle.stop();
        assert_eq!(handle.outcome(), Some(Outcome::Stopped));
    }
}

static HIGH: AtomicU32 = AtomicU32::new(0);
static MID_SAW_HIGH: AtomicBool = AtomicBool::new(false);
static LOW_SAW_MID: AtomicBool = AtomicBool::new(false);
static LOW_ENDED: AtomicBool = AtomicBool::new(false);

/// Spins inside a job until something holds or a minute has gone by.
fn spin_until(core: &Core, holds: impl Fn() -> bool) -> bool {
    let clock = clock(core);
    let end = clock.nanos() + 60_000_000_000;
    while !holds() && clock.nanos() < end {
        std::hint::spin_loop();
    }
    holds()
}

fn high(core: &Core, job: Job) {
    open(core, job);
    HIGH.fetch_add(1, SeqCst);
}

/// Runs on top of `low`, and ends only when `high` has run on top of it.
fn mid(core: &Core, job: Job) {
    open(core, job);
    let before = HIGH.load(SeqCst);
    if spin_until(core, || HIGH.load(SeqCst) > before + 1) && !LOW_ENDED.load(SeqCst) {
        MID_SAW_HIGH.store(true, SeqCst);
    }
}

/// Ends only when `mid` has run on top of it.
fn low(core: &Core, job: Job) {
    open(core, job);
    let seen = spin_until(core, || MID_SAW_HIGH.load(SeqCst));
    LOW_ENDED.store(true, SeqCst);
    LOW_SAW_MID.store(seen, SeqCst);
}

fn first_at(mut task: Task, at_us: u32) -> Task {
    if let offsched::rt::Release::Periodic { offset_us, .. } = &mut task.release {
        *offset_us = at_us;
    }
    task
}

app!(
    Nesting,
    [
        periodic("low", 1, 1_000_000_000, low),
        first_at(periodic("mid", 2, 1_000_000_000, mid), 2_000),
        periodic("high", 3, 1_000, high),
    ]
);

#[test]
fn a_more_urgent_task_preempts_a_long_job_and_is_preempted_in_turn() {
    let _alone = alone();
    let telemetry = Arc::new(Telemetry::of::<Nesting>());
    let running = spawn::<Nesting>(config(), Some(telemetry.clone())).unwrap();
    wait_for("low's end", || LOW_ENDED.load(SeqCst));
    running.stop();
    assert_eq!(running.join(), Outcome::Stopped);
    assert!(
        LOW_SAW_MID.load(SeqCst),
        "mid did not preempt low, or high mid"
    );
    assert!(telemetry.core().interrupts.load(SeqCst) > 0);
}

static WORKED: AtomicBool = AtomicBool::new(false);

fn beat(core: &Core, job: Job) {
    open(core, job);
}

/// Some milliseconds of work, however often it is interrupted.
fn work(core: &Core, job: Job) {
    open(core, job);
    for turn in 0..2_000_000_u32 {
        std::hint::black_box(turn);
    }
    WORKED.store(true, SeqCst);
}

app!(
    Working,
    [
        periodic("work", 1, 1_000_000_000, work),
        periodic("beat", 2, 1, beat)
    ]
);

#[test]
fn a_job_below_a_task_faster_than_an_alarm_still_ends() {
    let _alone = alone();
    let running = spawn::<Working>(config(), None).unwrap();
    wait_for("the work", || WORKED.load(SeqCst));
    running.stop();
    assert_eq!(running.join(), Outcome::Stopped);
}

static HELD: AtomicBool = AtomicBool::new(false);
static RELEASE: AtomicBool = AtomicBool::new(false);

fn hold(core: &Core, job: Job) {
    open(core, job);
    HELD.store(true, SeqCst);
    spin_until(core, || RELEASE.load(SeqCst));
}

app!(Holding, [periodic("hold", 1, 1_000_000_000, hold)]);

#[test]
fn a_doorbell_interrupts_a_running_job() {
    let _alone = alone();
    let telemetry = Arc::new(Telemetry::of::<Holding>());
    let running = spawn::<Holding>(config(), Some(telemetry.clone())).unwrap();
    wait_for("the job", || HELD.load(SeqCst));
    let interrupts = || telemetry.core().interrupts.load(SeqCst);
    let before = interrupts();
    running.handle().doorbell();
    wait_for("the doorbell", || interrupts() > before);
    let before = interrupts();
    running.handle().doorbell();
    wait_for("the second ring", || interrupts() > before);
    RELEASE.store(true, SeqCst);
    running.stop();
    assert_eq!(running.join(), Outcome::Stopped);
}

fn dawdle(core: &Core, job: Job) {
    open(core, job);
    spin_until(core, || clock(core).nanos() > 2_000_000);
}

app!(
    Dawdling,
    [Task {
        deadline: Some(1_000),
        on_miss: OnMiss::Stop,
        ..periodic("dawdle", 1, 1_000_000, dawdle)
    }]
);

#[test]
fn a_miss_under_the_policy_stop_ends_the_core_and_names_the_task() {
    let _alone = alone();
    let outcome = run::<Dawdling>(config()).unwrap();
    assert_eq!(outcome, Outcome::Missed { task: "dawdle" });
}

#[test]
fn a_cpu_runs_one_core_and_an_app_runs_once() {
    let _alone = alone();
    app!(First, []);
    app!(Second, []);
    let running = spawn::<First>(config(), None).unwrap();
    let refused = spawn::<Second>(config(), None).unwrap_err();
    assert!(matches!(&refused, Error::CpuTaken { cpu, .. } if *cpu == running.cpu()));
    assert!(refused.to_string().contains("already runs"), "{refused}");
    // Past the CPU's lock, the app itself is still one.
    let elsewhere = Config {
        runtime_dir: Some(directory("elsewhere")),
        ..config()
    };
    let refused = spawn::<First>(elsewhere, None).unwrap_err();
    assert!(matches!(refused, Error::Start(StartError::AlreadyRunning)));
    assert_eq!(running.outcome(), None);
    running.stop();
    running.join();
    let second = spawn::<Second>(config(), None).unwrap();
    second.stop();
    assert_eq!(second.join(), Outcome::Stopped);
}

#[test]
fn a_missing_cpu_is_refused_with_those_to_choose_from() {
    app!(Nowhere, []);
    let config = Config {
        cpu: Some(9_999),
        ..config()
    };
    let text = spawn::<Nowhere>(config, None).unwrap_err().to_string();
    let available = allowed().unwrap().to_string();
    assert!(
        text.contains("CPU 9999") && text.ends_with(&available),
        "{text}"
    );
}

#[test]
fn the_boundary_hears_of_start_and_end_in_order() {
    struct Listening(Telemetry, AtomicU32);
    impl Boundary for Listening {
        fn memory(&self) -> offsched::Memory<'_> {
            self.0.memory()
        }
        fn channels(&self) -> Vec<offsched_abi::channel::ChannelView<'_>> {
            self.0.channels()
        }
        fn starting(&self, time: &offsched_hosted::TimeFacts) {
            assert!(time.hz > 0 && time.tsc > 0 && time.monotonic_ns > 0);
            assert_eq!(self.1.fetch_add(1, SeqCst), 0);
        }
        fn started(&self) {
            assert_eq!(self.1.fetch_add(1, SeqCst), 1);
        }
        fn ended(&self, outcome: &Outcome) {
            assert_eq!(*outcome, Outcome::Stopped);
            assert_eq!(self.1.fetch_add(1, SeqCst), 2);
        }
    }
    let _alone = alone();
    app!(Heard, []);
    let boundary = Arc::new(Listening(Telemetry::of::<Heard>(), AtomicU32::new(0)));
    let running = spawn::<Heard>(config(), Some(boundary.clone())).unwrap();
    assert_eq!(boundary.1.load(SeqCst), 2);
    running.stop();
    assert_eq!(running.join(), Outcome::Stopped);
    assert_eq!(boundary.1.load(SeqCst), 3);
}

static NAPS: AtomicU32 = AtomicU32::new(0);
static RUNG: AtomicU32 = AtomicU32::new(0);

fn nap(core: &Core, job: Job) {
    open(core, job);
    count(&NAPS);
}

app!(
    Drowsy,
    [periodic("nap", 1, 20_000, nap)],
    idle_policy = IdlePolicy::Halt,
    // A turn before each sleep, so after each doorbell too.
    idle = Some(|_| count(&RUNG))
);

/// Processor time that this process has taken, ns.
fn processor_time() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A core that halts in idle hears the clock, a doorbell and a stop, and takes next to no time.
#[test]
fn a_core_that_halts_sleeps_and_wakes_up() {
    let _alone = alone();
    let (begin, before) = (Instant::now(), processor_time());
    let running = spawn::<Drowsy>(config(), None).unwrap();
    wait_for("20 jobs", || NAPS.load(SeqCst) >= 20);
    let (length, taken) = (begin.elapsed().as_nanos() as u64, processor_time() - before);
    // A core that polls takes all of it. (This is time taken, not time gone by: a busy machine makes it no longer.)
    assert!(taken < length / 4, "{taken} of {length} ns");
    // Between two releases there is time for many doorbells.
    let (jobs, turns) = (NAPS.load(SeqCst), RUNG.load(SeqCst));
    let handle = running.handle();
    wait_for("more turns than jobs", || {
        handle.doorbell();
        RUNG.load(SeqCst) - turns > 2 * (NAPS.load(SeqCst) - jobs) + 10
    });
    running.stop();
    assert_eq!(running.join(), Outcome::Stopped);
}
