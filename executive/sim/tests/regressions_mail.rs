//! One test for each defect around mail that was found in the executive, named after it.
//!
//! Two tasks print what mail they get, `paced` at most every 50 us. `busy` (level 1) leaves it to the doorbell to tell
//! of more.

use core::fmt::Write as _;
use std::ops::Range;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

use offsched::abi::channel::AppEnd;
use offsched::rt::{
    ChannelCell, ChannelDecl, Core, Job, Lock, MessageType, Node, Release, State, Task,
};
use offsched::{App, ExtU64, IdlePolicy, Image, Mail, Mutex};
use offsched_sim::{Config, channel, doorbell, run};

#[path = "common/table.rs"]
mod table;

use table::task;

static CORE: Core = Core::new();
static NODES: [Node; 5] = [const { Node::new() }; 5];
static STATES: [State; 5] = [const { State::new() }; 5];
static PLAIN: ChannelCell<u64, u64, 1> = ChannelCell::new();
static PACED: ChannelCell<u64, u64, 1> = ChannelCell::new();

/// Once a run.
const fn once(offset_us: u32) -> Release {
    Release::Periodic {
        period_us: 100_000,
        offset_us,
    }
}

const fn mail(min_interval_us: u32) -> Release {
    Release::Event { min_interval_us }
}

static TASKS: [Task; 5] = [
    task("busy", 1, once(100), 0, busy),
    task("plain", 2, mail(0), 1, plain),
    task("paced", 2, mail(50), 2, paced),
    task("same", 2, once(1_000), 3, same),
    task("top", 3, once(900), 4, top),
];

const fn declared(
    service: &'static str,
    task: u16,
    slot: &'static ChannelCell<u64, u64, 1>,
) -> ChannelDecl {
    ChannelDecl {
        service,
        clients: 1,
        ring_bytes: 4096,
        task,
        slot,
        rx_size: 8,
        tx_size: 8,
        rx_type: MessageType::of::<u64>(),
        tx_type: MessageType::of::<u64>(),
    }
}

struct Printer;

// SAFETY: the tables below belong together and to this app's core alone.
unsafe impl App for Printer {
    const NAME: &'static str = "printer";
    fn image() -> &'static Image<'static> {
        static IMAGE: Image<'static> = Image {
            name: "printer",
            core: &CORE,
            tasks: &TASKS,
            nodes: &NODES,
            states: &STATES,
            channels: &[declared("plain", 1, &PLAIN), declared("paced", 2, &PACED)],
            init: |_| {},
            idle_policy: IdlePolicy::Poll,
            idle: None,
            drop: |_| {},
        };
        &IMAGE
    }
}

/// The same app, halting in idle.
struct Halting;

// SAFETY: as for Printer, whose tables these are; the tests run one of the two at a time.
unsafe impl App for Halting {
    const NAME: &'static str = "halting";
    fn image() -> &'static Image<'static> {
        Box::leak(Box::new(Image {
            idle_policy: IdlePolicy::Halt,
            ..*Printer::image()
        }))
    }
}

unsafe fn busy(core: &Core, job: Job) {
    // SAFETY: once, with what the executive gave us.
    unsafe { job.open(core) };
    offsched_sim::work(1_000_000);
}

unsafe fn top(core: &Core, job: Job) {
    // SAFETY: once, with what the executive gave us.
    unsafe { job.open(core) };
    offsched_sim::work(200_000);
}

/// Prints a line with the time.
fn print(core: &Core, what: &dyn std::fmt::Display) {
    // SAFETY: called by jobs, which run on the core.
    let (clock, mut console) = unsafe { (core.clock(), core.console()) };
    let _ = writeln!(console, "{what} at {}", clock.now().as_ticks());
}

unsafe fn same(core: &Core, job: Job) {
    // SAFETY: once, with what the executive gave us.
    unsafe { job.open(core) };
    print(core, &"same");
}

/// Four pieces of mail a job.
fn print_mail(core: &Core, cell: &ChannelCell<u64, u64, 1>) {
    // SAFETY: on the core, for a job of the only task that uses the channel, whose level is the ceiling.
    let mut channel = unsafe { Lock::new(core, cell.slot(), 2) };
    for _ in 0..4 {
        match channel.lock(|channel| channel.recv()) {
            Some(Mail::Message(_, number)) => print(core, &number),
            Some(_) => {}
            None => break,
        }
    }
}

unsafe fn plain(core: &Core, job: Job) {
    // SAFETY: this task's job, before open (mail carries no message); then open once.
    unsafe { job.open(core) };
    print_mail(core, &PLAIN);
}

unsafe fn paced(core: &Core, job: Job) {
    // SAFETY: as for `plain`.
    unsafe { job.open(core) };
    print_mail(core, &PACED);
}

/// The tests share one app.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: StdMutex<()> = StdMutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client of one place; its end is made by the first handler that needs it.
#[derive(Clone)]
struct Client(usize, Arc<StdMutex<Option<AppEnd<'static>>>>);

impl Client {
    fn of(place: usize) -> Self {
        Self(place, Arc::default())
    }

    /// A handler that sends these numbers, and rings if that was asked for.
    fn send(&self, numbers: Range<u64>) -> impl Fn() + Send + Sync + 'static {
        let Self(place, end) = self.clone();
        move || {
            let mut end = end.lock().unwrap();
            let end = end.get_or_insert_with(|| {
                let view = channel(place).expect("a place of the app's");
                AppEnd::new(view, view.open().expect("nobody has it"))
            });
            let mut rings = false;
            for number in numbers.clone() {
                let sent = end.try_send(&number.to_le_bytes()).expect("room");
                rings |= sent.ring_doorbell;
            }
            if rings {
                doorbell();
            }
        }
    }
}

fn console(config: &Config) -> String {
    let _one = one_at_a_time();
    run::<Printer>(config).unwrap().console
}

/// Under a less urgent job, a task that left mail in its ring was released again, but a doorbell was not asked for again.
#[test]
fn mail_after_a_burst_is_not_left_behind_a_less_urgent_job() {
    let client = Client::of(0);
    let config = Config::new(1_000.micros())
        .call_at(20_500, client.send(0..1))
        .call_at(200_500, client.send(100..106))
        .call_at(300_500, client.send(200..201));
    let expected = "\
0 at 20
100 at 200
101 at 200
102 at 200
103 at 200
104 at 200
105 at 200
200 at 300
";
    assert_eq!(console(&config), expected);
}

/// The same where the mail was there when the less urgent job began.
#[test]
fn mail_after_mail_that_was_there_is_not_left_behind_a_less_urgent_job() {
    let client = Client::of(0);
    let config = Config::new(1_000.micros())
        .call_at(20_500, client.send(0..1))
        .call_at(100_000, client.send(100..101))
        .call_at(300_500, client.send(200..201));
    assert_eq!(console(&config), "0 at 20\n100 at 100\n200 at 300\n");
}

/// Mail that a least interval moved back was moved back after the alarm had been looked at, so none was set for it.
#[test]
fn paced_mail_has_its_alarm_under_a_less_urgent_job() {
    let client = Client::of(1);
    let config = Config::new(1_000.micros())
        .call_at(20_500, client.send(0..1))
        .call_at(200_500, client.send(100..106));
    let expected = "\
0 at 20
100 at 200
101 at 200
102 at 200
103 at 200
104 at 251
105 at 251
";
    assert_eq!(console(&config), expected);
}

/// A doorbell under a more urgent job released its task ahead of one of the same level that was due before it rang.
#[test]
fn mail_does_not_overtake_what_was_due_before_the_doorbell() {
    let client = Client::of(0);
    // `busy` has asked for the doorbell; it rings under `top`.
    let config = Config::new(1_500.micros())
        .call_at(20_500, client.send(0..1))
        .call_at(1_050_500, client.send(7..8));
    assert_eq!(console(&config), "0 at 20\nsame at 1100\n7 at 1100\n");
}

/// Any doorbell released the tasks of all channels.
#[test]
fn a_doorbell_releases_no_task_without_mail() {
    let (plain, paced) = (Client::of(0), Client::of(1));
    let config = Config::new(800.micros())
        .call_at(20_500, plain.send(0..1))
        .call_at(20_500, paced.send(1..2))
        .call_at(200_500, plain.send(100..101))
        .call_at(300_500, doorbell);
    let _one = one_at_a_time();
    let run = run::<Printer>(&config).unwrap();
    assert_eq!(run.console, "0 at 20\n1 at 20\n100 at 200\n");
    let releases = |task| run.counters(task).releases;
    assert_eq!((releases(1), releases(2)), (2, 1), "{}", run.text());
}

/// Such a release was the last one for a least interval: the mail that came next had to wait.
#[test]
fn mail_does_not_wait_for_the_pace_of_anothers_doorbell() {
    let client = Client::of(1);
    let config = Config::new(800.micros())
        .call_at(20_500, client.send(0..1))
        .call_at(200_500, doorbell)
        .call_at(210_500, client.send(100..101));
    assert_eq!(console(&config), "0 at 20\n100 at 210\n");
}

/// A halting core did not sleep while mail waited for its task's least interval to be over.
#[test]
fn a_core_with_paced_mail_sleeps_until_it_is_due() {
    let client = Client::of(1);
    let mut config = Config::new(95.micros())
        .call_at(20_500, client.send(0..1))
        .call_at(30_500, client.send(100..101));
    // Turns that do not sleep take time, or there would be no end of them.
    config.costs.now = 10;
    let _one = one_at_a_time();
    let run = run::<Halting>(&config).unwrap();
    assert_eq!(run.console, "0 at 20\n100 at 71\n");
    // Looks at the clock, one a turn, and settings of the alarm.
    assert!(run.points < 50, "{}", run.points);
}
