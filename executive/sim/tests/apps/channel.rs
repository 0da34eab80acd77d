//! An app that answers mail, as the attributes expand it, and handlers that play its clients.

use core::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex as StdMutex};

use offsched::abi::channel::AppEnd;
use offsched::rt::{
    ChannelCell, ChannelDecl, Core, Job, Lock, MessageType, Node, Release, State, Task,
};
use offsched::{App, ExtU64, IdlePolicy, Image, Mail, Mutex};
use offsched_sim::{Config, channel, doorbell, run};

use super::table::{EVENT, task};

static CORE: Core = Core::new();
static NODES: [Node; 2] = [const { Node::new() }; 2];
static STATES: [State; 2] = [const { State::new() }; 2];
static ECHO: ChannelCell<u64, u64, 2> = ChannelCell::new();

static TASKS: [Task; 2] = [
    task("busy", 1, SOON, 0, busy),
    task("echo", 2, EVENT, 1, echo),
];
const SOON: Release = Release::Periodic {
    period_us: 1_000,
    offset_us: 100,
};

struct Echo;

// SAFETY: the tables below belong together and to this app's core alone.
unsafe impl App for Echo {
    const NAME: &'static str = "echo";
    fn image() -> &'static Image<'static> {
        static IMAGE: Image<'static> = Image {
            name: "echo",
            core: &CORE,
            tasks: &TASKS,
            nodes: &NODES,
            states: &STATES,
            channels: &[ChannelDecl {
                service: "echo",
                clients: 2,
                ring_bytes: 4096,
                task: 1,
                slot: &ECHO,
                rx_size: 8,
                tx_size: 8,
                rx_type: MessageType::of::<u64>(),
                tx_type: MessageType::of::<u64>(),
            }],
            init: |_| {},
            idle_policy: IdlePolicy::Poll,
            idle: None,
            drop: |_| {},
        };
        &IMAGE
    }
}

/// The same app, halting in idle.
struct Drowsy;

// SAFETY: as for Echo, whose tables these are; the tests run one of the two at a time.
unsafe impl App for Drowsy {
    const NAME: &'static str = "drowsy";
    fn image() -> &'static Image<'static> {
        Box::leak(Box::new(Image {
            idle_policy: IdlePolicy::Halt,
            ..*Echo::image()
        }))
    }
}

unsafe fn busy(core: &Core, job: Job) {
    // SAFETY: once, with what the executive gave us.
    unsafe { job.open(core) };
    offsched_sim::work(100_000);
}

unsafe fn echo(core: &Core, job: Job) {
    // SAFETY: this task's job, before open (mail carries no message); then open once.
    unsafe { job.open(core) };
    // SAFETY: a job runs on the core.
    let (clock, mut console) = unsafe { (core.clock(), core.console()) };
    // SAFETY: on the core, for a job of the only task that uses the channel, whose level is the ceiling.
    let mut channel = unsafe { Lock::new(core, ECHO.slot(), 2) };
    for _ in 0..4 {
        match channel.lock(|channel| channel.recv()) {
            Some(Mail::Message(from, number)) => {
                let _ = writeln!(
                    console,
                    "{number} from {} at {}",
                    from.index(),
                    clock.now().as_ticks()
                );
                assert!(
                    channel
                        .lock(|channel| channel.send(from, &(number + 1)))
                        .is_ok()
                );
            }
            Some(_) => {}
            None => break,
        }
    }
}

/// A client's end, made by the first handler that needs it; and how many of its messages rang.
#[derive(Clone, Default)]
struct Client(Arc<StdMutex<Option<AppEnd<'static>>>>, Arc<AtomicU64>);

fn send(client: &Client, number: u64) -> impl Fn() + Send + Sync + 'static {
    let Client(end, rang) = client.clone();
    move || {
        let mut end = end.lock().unwrap();
        let end = end.get_or_insert_with(|| {
            let view = channel(1).expect("the second of two places");
            let epoch = view.open().expect("nobody has it");
            // As the device does.
            doorbell();
            AppEnd::new(view, epoch)
        });
        let sent = end.try_send(&number.to_le_bytes()).expect("room for one");
        if sent.ring_doorbell {
            rang.fetch_add(1, Relaxed);
            doorbell();
        }
    }
}

/// A client sends from outside while the core is idle (which looks by itself, or asked for the doorbell and halted) and
/// while a less urgent job runs (which the doorbell interrupts), and gets its answers.
#[test]
fn mail_is_answered_idle_or_busy() {
    let (polls, halts) = (answered::<Echo>(), answered::<Drowsy>());
    assert_eq!(polls.0, halts.0);
    // Polling, only under the job; halting, every time but the first, which comes with the news of its client.
    assert_eq!((polls.1, halts.1), (1, 2));
}

/// The console's text, and how many of three messages rang.
fn answered<A: App>() -> (String, u64) {
    let client = Client::default();
    let config = Config::new(300.micros())
        .call_at(20_500, send(&client, 1))
        .call_at(50_500, send(&client, 3))
        .call_at(150_500, send(&client, 5));
    let run = run::<A>(&config).unwrap();
    let mut lines = run.console.lines();
    for (number, at) in [(1, 20), (3, 50), (5, 150)] {
        assert_eq!(
            lines.next(),
            Some(format!("{number} from 1 at {at}").as_str()),
            "{}",
            run.text()
        );
    }
    let (mut end, mut answer, mut answers) = (client.0.lock().unwrap(), [0; 8], Vec::new());
    while end
        .as_mut()
        .is_some_and(|end| end.try_recv(&mut answer).is_ok())
    {
        answers.push(u64::from_le_bytes(answer));
    }
    assert_eq!(answers, [2, 4, 6]);
    (run.console, client.1.load(Relaxed))
}
