//! From another CPU's store to the one who waits for it: a core that polls in idle, one that halts, and a
//! thread that is parked. One way each, by the counter, which all CPUs share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use offsched::{App, IdlePolicy};
use offsched_hosted::{Config, CpuList, confine_caller, spawn};

use crate::clock::ordered;
use crate::confine;
use crate::series::{BATCH, Book, Timing};

/// Batches in a round: a wake-up is long.
const BATCHES: usize = 4;
/// Long enough to fall asleep, and longer than the least time between two rings.
const PAUSE: Duration = Duration::from_micros(150);

/// When it was sent; 0: it has been seen. And how long it took, cycles.
static SENT: AtomicU64 = AtomicU64::new(0);
static TOOK: AtomicU64 = AtomicU64::new(0);

/// The waiter's side.
fn look() {
    let sent = SENT.load(SeqCst);
    if sent != 0 {
        TOOK.store(ordered().saturating_sub(sent), SeqCst);
        SENT.store(0, SeqCst);
    }
}

/// Polls in idle.
#[offsched::app]
mod polling {
    #[init]
    fn init(_: init::Context) {}

    #[idle]
    fn idle(_: idle::Context) {
        super::look();
    }
}

/// Halts in idle.
#[offsched::app(idle = halt)]
mod halting {
    #[init]
    fn init(_: init::Context) {}

    #[idle]
    fn idle(_: idle::Context) {
        super::look();
    }
}

/// A round. `cpus`: all that this process may use; with only the measured one, nothing is measured.
///
/// # Errors
/// A sentence, if the core or a thread does not start.
pub fn measure(book: &mut Book, config: &Config, cpu: usize, cpus: &CpuList) -> Result<(), String> {
    let others = cpus.as_slice().iter().copied().filter(|one| *one != cpu);
    let others = CpuList::new(others.collect());
    if others.as_slice().is_empty() {
        return Ok(());
    }
    // Started with all CPUs to choose from, woken from the others.
    on_core::<polling::App>(book, "idle.poll", config, [&others, cpus])?;
    on_core::<halting::App>(book, "idle.halt", config, [&others, cpus])?;
    confine(&others)?;
    parked(book, cpu)?;
    confine(cpus)
}

fn on_core<A: App>(
    book: &mut Book,
    id: &'static str,
    config: &Config,
    [others, all]: [&CpuList; 2],
) -> Result<(), String> {
    if !book.wants(&[id]) {
        return Ok(());
    }
    let running = spawn::<A>(config.clone(), None).map_err(|error| error.to_string())?;
    let handle = running.handle();
    confine(others)?;
    series(book, id, || {
        if A::image().idle_policy == IdlePolicy::Halt {
            handle.doorbell();
        }
    });
    running.stop();
    running.join();
    confine(all)
}

/// `std`'s park and unpark: a futex.
fn parked(book: &mut Book, cpu: usize) -> Result<(), String> {
    static ENDS: AtomicBool = AtomicBool::new(false);
    if !book.wants(&["idle.futex"]) {
        return Ok(());
    }
    ENDS.store(false, SeqCst);
    let waiter = thread::spawn(move || {
        pin(cpu);
        while !ENDS.load(SeqCst) {
            thread::park();
            look();
        }
    });
    series(book, "idle.futex", || waiter.thread().unpark());
    ENDS.store(true, SeqCst);
    waiter.thread().unpark();
    waiter
        .join()
        .map_err(|_| "the waiting thread panicked".to_owned())
}

fn pin(cpu: usize) {
    // On another CPU the wake-up is measured too, only elsewhere.
    let _ = confine_caller(&CpuList::new(vec![cpu]));
}

fn series(book: &mut Book, id: &'static str, mut wake: impl FnMut()) {
    let Some(series) = book.series(id, Timing::Each) else {
        return;
    };
    for _ in 0..BATCHES {
        let samples: [u64; BATCH] = std::array::from_fn(|_| {
            let asleep = Instant::now() + PAUSE;
            while Instant::now() < asleep {
                std::hint::spin_loop();
            }
            SENT.store(ordered(), SeqCst);
            wake();
            while SENT.load(SeqCst) != 0 {
                std::hint::spin_loop();
            }
            TOOK.load(SeqCst)
        });
        series.add_batch(&samples);
    }
}
