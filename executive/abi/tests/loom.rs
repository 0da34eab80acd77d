//! Models of the boundary's protocols, explored by loom:
//! `RUSTFLAGS="--cfg loom" cargo test -p offsched-abi --release --test loom`.
//!
//! Every interleaving with up to three preemptions, or `LOOM_MAX_PREEMPTIONS`. Loom does not let a
//! load see a store that comes later, so it cannot tell whether a consumer's index needs to be
//! published with release ordering. (It does: the copy out of the ring must be over by then.)
#![cfg(loom)]

use loom::sync::{Arc, Notify};
use loom::thread;
use offsched_abi::channel::{AppEnd, ChannelState, ChannelView, ControlPage, CoreEnd, Link, Wait};
use offsched_abi::ring::{Consumer, Producer, RecvError, Ring, RingWords, SendError};
use offsched_abi::sequenced::Sequenced;
use offsched_abi::sync::AtomicU64;

fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(model);
}

/// Rings of seven words: three short frames, of which the third goes round the end.
const WORDS: usize = 7;

struct Shared {
    state: ChannelState,
    control: ControlPage,
    words: RingWords,
    to_core: [AtomicU64; WORDS],
    from_core: [AtomicU64; WORDS],
}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: ChannelState::new(),
            control: ControlPage::new(),
            words: RingWords::new(),
            to_core: core::array::from_fn(|_| AtomicU64::new(0)),
            from_core: core::array::from_fn(|_| AtomicU64::new(0)),
        })
    }

    fn ring(&self) -> Ring<'_> {
        Ring::new(&self.words, &self.to_core).unwrap()
    }

    /// Five words: two short frames, and the third goes round the end.
    fn short_ring(&self) -> Ring<'_> {
        Ring::new(&self.words, &self.to_core[..5]).unwrap()
    }

    fn channel(&self) -> ChannelView<'_> {
        ChannelView::from_parts(&self.state, &self.control, &self.to_core, &self.from_core).unwrap()
    }
}

/// Frames arrive once, whole and in order, whatever the interleaving, also around the ring's end.
#[test]
fn ring_keeps_order() {
    const FRAMES: u8 = 3;
    explore(|| {
        let shared = Shared::new();
        let sender = Arc::clone(&shared);
        let sending = thread::spawn(move || {
            let mut tx = Producer::attach(sender.short_ring(), 1);
            let mut number = 0;
            while number < FRAMES {
                match tx.try_send(&[number; 8]) {
                    Ok(()) => number += 1,
                    Err(error) => {
                        assert_eq!(error, SendError::Full);
                        thread::yield_now();
                    }
                }
            }
        });
        let mut rx = Consumer::attach(shared.short_ring(), 1);
        let mut buf = [0; 16];
        let mut number = 0;
        while number < FRAMES {
            match rx.try_recv(&mut buf) {
                Ok(len) => {
                    assert_eq!(&buf[..len], &[number; 8]);
                    number += 1;
                }
                Err(error) => {
                    assert_eq!(error, RecvError::Empty);
                    thread::yield_now();
                }
            }
        }
        sending.join().unwrap();
        assert_eq!(rx.try_recv(&mut buf), Err(RecvError::Empty));
    });
}

/// Who takes the words beside the index takes those of the next frame, whole, though the one behind it comes meanwhile.
#[test]
fn newest_words_are_whole() {
    explore(|| {
        let shared = Shared::new();
        let sender = Arc::clone(&shared);
        let sending = thread::spawn(move || {
            let mut tx = Producer::attach(sender.ring(), 1);
            tx.try_send(&[1; 8]).unwrap();
            tx.try_send(&[2; 8]).unwrap();
        });
        let mut rx = Consumer::attach(shared.ring(), 1);
        let mut buf = [0; 8];
        for number in 1..=2 {
            while rx.pop(&mut buf).is_err() {
                thread::yield_now();
            }
            assert_eq!(buf, [number; 8]);
        }
        sending.join().unwrap();
    });
}

/// The same for two frames of one publication, which are shown together.
#[test]
fn newest_words_of_two_frames_are_whole() {
    explore(|| {
        let shared = Shared::new();
        let sender = Arc::clone(&shared);
        let sending = thread::spawn(move || {
            let mut tx = Producer::attach(sender.ring(), 1);
            tx.try_send(&[1]).unwrap();
            tx.push(&[2]).unwrap();
            tx.push(&[3]).unwrap();
            tx.publish();
        });
        let mut rx = Consumer::attach(shared.ring(), 1);
        let mut buf = [0; 1];
        for number in 1..=3 {
            while rx.pop(&mut buf).is_err() {
                thread::yield_now();
            }
            assert_eq!(buf, [number]);
        }
        sending.join().unwrap();
    });
}

/// The same for messages of one size, which have no headers: two words, whole, and the one behind them.
#[test]
fn newest_words_without_headers_are_whole() {
    explore(|| {
        let shared = Shared::new();
        let sender = Arc::clone(&shared);
        let sending = thread::spawn(move || {
            let ring = sender.ring().of_size(16).unwrap();
            let mut tx = Producer::attach(ring, 1);
            tx.try_send(&[1; 16]).unwrap();
            tx.try_send(&[2; 16]).unwrap();
        });
        let mut rx = Consumer::attach(shared.ring().of_size(16).unwrap(), 1);
        let (mut buf, mut got) = ([0; 32], 0);
        while got < 2 {
            match rx.pop_equal(&mut buf[16 * got..], 16) {
                Ok(count) => got += count,
                Err(error) => {
                    assert_eq!(error, RecvError::Empty);
                    thread::yield_now();
                }
            }
        }
        assert_eq!((&buf[..16], &buf[16..]), (&[1; 16][..], &[2; 16][..]));
        sending.join().unwrap();
    });
}

/// A batch in one publication, received in one publication.
#[test]
fn batches_are_whole() {
    explore(|| {
        let shared = Shared::new();
        let sender = Arc::clone(&shared);
        let sending = thread::spawn(move || {
            let mut tx = Producer::attach(sender.ring(), 1);
            assert_eq!(tx.send_batch(&[b"a", b"b"]), Ok(2));
        });
        let mut rx = Consumer::attach(shared.ring(), 1);
        let (mut buf, mut got) = ([0; 16], 0);
        while got == 0 {
            match rx.recv_batch(&mut buf, 2, |_| {}) {
                Ok(count) => got = count,
                Err(_) => thread::yield_now(),
            }
        }
        assert_eq!(got, 2, "one publication shows both");
        sending.join().unwrap();
    });
}

/// The core receives so many frames, numbered from 0, and sleeps whenever there is none.
fn receive_asleep(shared: &Shared, bell: &Notify, frames: u8) {
    let mut core = CoreEnd::new(shared.channel());
    assert_eq!(core.look(), Link::Opened);
    let (mut buf, mut got) = ([0; 16], 0);
    while got < frames {
        match core.try_recv(&mut buf) {
            Ok(_) => {
                assert_eq!(buf[0], got);
                got += 1;
            }
            Err(error) => {
                assert_eq!(error, RecvError::Empty);
                if core.sleep_until_mail() {
                    bell.wait();
                    core.awake();
                }
            }
        }
    }
}

/// The core sleeps until mail: whatever the interleaving, it is woken for every frame (loom
/// reports a lost wake-up as a deadlock).
#[test]
fn no_wake_up_for_mail_is_lost() {
    const FRAMES: u8 = 2;
    explore(|| {
        let shared = Shared::new();
        let bell = Arc::new(Notify::new());
        let epoch = shared.channel().open().unwrap();
        let (app_shared, app_bell) = (Arc::clone(&shared), Arc::clone(&bell));
        let sending = thread::spawn(move || {
            let mut app = AppEnd::new(app_shared.channel(), epoch);
            for number in 0..FRAMES {
                if app.try_send(&[number]).unwrap().ring_doorbell {
                    app_bell.notify();
                }
            }
        });
        receive_asleep(&shared, &bell, FRAMES);
        sending.join().unwrap();
    });
}

/// The same where the look whether the core sleeps is made once for several publications.
#[test]
fn a_look_made_later_wakes_the_core() {
    const FRAMES: u8 = 2;
    explore(|| {
        let shared = Shared::new();
        let bell = Arc::new(Notify::new());
        let epoch = shared.channel().open().unwrap();
        let (app_shared, app_bell) = (Arc::clone(&shared), Arc::clone(&bell));
        let sending = thread::spawn(move || {
            let mut app = AppEnd::new(app_shared.channel(), epoch);
            for number in 0..FRAMES {
                assert_eq!(app.publish_equal(&[number], 1), Ok(1));
            }
            if app.flush().ring_doorbell {
                app_bell.notify();
            }
        });
        receive_asleep(&shared, &bell, FRAMES);
        sending.join().unwrap();
    });
}

/// The application sleeps for room in a full ring, and is woken when the core receives.
#[test]
fn no_wake_up_for_room_is_lost() {
    explore(|| {
        let shared = Shared::new();
        let bell = Arc::new(Notify::new());
        let epoch = shared.channel().open().unwrap();
        let mut app = AppEnd::new(shared.channel(), epoch);
        while app.try_send(&[1; 8]).is_ok() {}
        let (core_shared, core_bell) = (Arc::clone(&shared), Arc::clone(&bell));
        let receiving = thread::spawn(move || {
            let mut core = CoreEnd::new(core_shared.channel());
            assert_eq!(core.look(), Link::Opened);
            let mut buf = [0; 16];
            // Two frames: enough room whichever end of the ring it falls on.
            for _ in 0..2 {
                core.try_recv(&mut buf).unwrap();
                if core.room_wanted() {
                    core_bell.notify();
                }
            }
        });
        while let Err(error) = app.try_send(&[2; 8]).map(|_| ()) {
            assert_eq!(error, SendError::Full);
            if app.sleep_until(Wait::Room(8)) {
                bell.wait();
                app.awake();
            }
        }
        receiving.join().unwrap();
    });
}

/// The application gives up on room and sleeps for mail, while the core takes back the earlier
/// request: the later one is not lost with it.
#[test]
fn a_request_in_place_of_another_is_not_lost() {
    explore(|| {
        let shared = Shared::new();
        let bell = Arc::new(Notify::new());
        let epoch = shared.channel().open().unwrap();
        let mut app = AppEnd::new(shared.channel(), epoch);
        while app.try_send(&[1; 8]).is_ok() {}
        assert!(app.sleep_until(Wait::Room(8)));
        let (core_shared, core_bell) = (Arc::clone(&shared), Arc::clone(&bell));
        let answering = thread::spawn(move || {
            let mut core = CoreEnd::new(core_shared.channel());
            assert_eq!(core.look(), Link::Opened);
            core.try_recv(&mut [0; 16]).unwrap();
            // Looks for a wait for room with the one for mail, in one.
            if core.try_send(&[2]).unwrap().ring_doorbell {
                core_bell.notify();
            }
        });
        app.awake();
        let mut buf = [0; 16];
        while let Err(error) = app.try_recv(&mut buf).map(|_| ()) {
            assert_eq!(error, RecvError::Empty);
            if app.sleep_until(Wait::Mail) {
                bell.wait();
                app.awake();
            }
        }
        answering.join().unwrap();
    });
}

/// Linux's side closes the channel and opens it for the next client in the same pages, unzeroed,
/// while the core still sends to the first: the second never receives what was meant for the
/// first, and sees no corrupt peer.
#[test]
fn a_reset_keeps_epochs_apart() {
    explore(|| {
        let shared = Shared::new();
        let first = shared.channel().open().unwrap();
        let core_shared = Arc::clone(&shared);
        let core = thread::spawn(move || {
            let mut core = CoreEnd::new(core_shared.channel());
            let mut client = 0;
            for _ in 0..3 {
                if core.look() == Link::Opened {
                    client = core.epoch();
                }
                if client != 0 {
                    let sent = core.try_send(&client.to_le_bytes());
                    assert!(matches!(
                        sent,
                        Ok(_) | Err(SendError::Closed | SendError::Full)
                    ));
                }
            }
            assert_eq!(core.corruptions(), 0);
        });
        assert!(shared.state.close());
        assert!(shared.state.retire());
        let second = shared.channel().open().unwrap();
        assert_ne!(first, second);
        let mut app = AppEnd::new(shared.channel(), second);
        let mut buf = [0; 16];
        for _ in 0..2 {
            match app.try_recv(&mut buf) {
                Ok(_) => assert_eq!(buf[..2], second.to_le_bytes()),
                Err(error) => assert_eq!(error, RecvError::Empty),
            }
        }
        core.join().unwrap();
    });
}

/// A record of telemetry is read whole or not at all, and never an older one after a newer one.
#[test]
fn a_record_is_never_torn() {
    explore(|| {
        let cell = Arc::new(Sequenced::<2>::default());
        let writer = Arc::clone(&cell);
        let writing = thread::spawn(move || (1..=2).for_each(|n| writer.write([n, n])));
        let mut newest = 0;
        for _ in 0..2 {
            if let Some([a, b]) = cell.read() {
                assert_eq!(a, b, "torn");
                assert!(a >= newest, "went back");
                newest = a;
            }
        }
        writing.join().unwrap();
        assert_eq!(cell.read(), Some([2, 2]));
    });
}
