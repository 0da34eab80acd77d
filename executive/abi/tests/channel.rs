//! Channels on one thread: opening, closing, wake words, and an application that lies.
#![cfg(not(loom))]

use offsched_abi::channel::{
    AppEnd, ChannelState, ChannelView, ControlPage, CoreEnd, EPOCH_MAX, Link, Phase, Wait,
};
use offsched_abi::ring::{RecvError, SendError};
use offsched_abi::sync::AtomicU64;

const WORDS: usize = 32;

struct Memory {
    state: ChannelState,
    control: ControlPage,
    to_core: Vec<AtomicU64>,
    from_core: Vec<AtomicU64>,
}

impl Memory {
    fn new() -> Self {
        let data = || (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self {
            state: ChannelState::new(),
            control: ControlPage::new(),
            to_core: data(),
            from_core: data(),
        }
    }

    fn view(&self) -> ChannelView<'_> {
        ChannelView::from_parts(&self.state, &self.control, &self.to_core, &self.from_core).unwrap()
    }
}

#[test]
fn an_answer_to_one_client_never_goes_to_the_next() {
    let memory = Memory::new();
    let mut core = CoreEnd::new(memory.view());
    assert_eq!(core.look(), Link::Closed);
    assert_eq!(core.try_send(b"nobody"), Err(SendError::Closed));

    let first = memory.view().open().unwrap();
    assert_eq!(memory.view().open(), None, "open already");
    assert_eq!((core.look(), core.look()), (Link::Opened, Link::Open));
    let mut app = AppEnd::new(memory.view(), first);
    assert!(
        app.try_send(b"question").unwrap().ring_doorbell,
        "the core has not said it looks"
    );
    let mut buf = [0; 64];
    assert_eq!(core.try_recv(&mut buf).unwrap(), 8);

    assert!(memory.state.close() && !memory.state.close());
    assert_eq!(memory.state.load(), (Phase::Closing, first));
    assert_eq!(memory.view().open(), None, "not while closing");
    assert!(memory.state.retire() && !memory.state.retire());
    let second = memory.view().open().unwrap();
    assert_eq!(
        core.try_send(b"answer"),
        Err(SendError::Closed),
        "until it looked"
    );
    assert_eq!(app.try_send(b"more"), Err(SendError::Closed));
    assert_eq!(
        (core.look(), core.look(), core.look()),
        (Link::Lost, Link::Opened, Link::Open)
    );
    let mut next = AppEnd::new(memory.view(), second);
    assert_eq!(next.try_recv(&mut buf), Err(RecvError::Empty));
    let _ = core.try_send(b"for the second").unwrap();
    assert_eq!(next.try_recv(&mut buf).unwrap(), 14);
    assert_eq!((core.corruptions(), next.corruptions()), (0, 0));
}

#[test]
fn epochs_go_round_without_zero() {
    let memory = Memory::new();
    for turn in 0..u32::from(EPOCH_MAX) + 2 {
        let epoch = memory.view().open().unwrap();
        assert_eq!(u32::from(epoch), turn % u32::from(EPOCH_MAX) + 1);
        assert!(memory.state.close() && memory.state.retire());
    }
}

#[test]
fn a_doorbell_is_asked_for_once_a_sleep() {
    let memory = Memory::new();
    let epoch = memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    core.look();
    core.awake();
    let mut app = AppEnd::new(memory.view(), epoch);
    let mut buf = [0; 64];
    assert!(!app.try_send(b"1").unwrap().ring_doorbell, "the core looks");
    assert!(!core.sleep_until_mail(), "mail is there");
    let _ = core.try_recv(&mut buf).unwrap();
    assert!(core.sleep_until_mail());
    assert!(app.try_send(b"2").unwrap().ring_doorbell);
    assert!(!app.try_send(b"3").unwrap().ring_doorbell, "rung already");
    // Room: only who waits for it is rung for it.
    while app.try_send(b"fill").is_ok() {}
    core.try_recv(&mut buf).unwrap();
    assert!(!core.room_wanted());
    while app.try_send(b"fill").is_ok() {}
    assert!(app.sleep_until(Wait::Room(4)));
    // Room is given back when a quarter of the ring has been taken.
    let mut rung = Vec::new();
    while core.try_recv(&mut buf).is_ok() {
        rung.push(core.room_wanted());
    }
    let first = rung.iter().position(|rung| *rung).unwrap();
    assert!(first <= rung.len() / 4, "after {first} of {}", rung.len());
    assert!(
        !rung[first + 1..].contains(&true),
        "one sleep, one doorbell"
    );
    assert!(!app.sleep_until(Wait::Either(4)), "room is there");
    memory.state.close();
    assert!(
        !app.sleep_until(Wait::Mail) && !core.sleep_until_mail(),
        "closed"
    );
}

/// It would be lost: nobody can ring with an error in hand.
#[test]
fn a_send_that_fails_takes_no_request_back() {
    let memory = Memory::new();
    let epoch = memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    core.look();
    let mut app = AppEnd::new(memory.view(), epoch);
    assert!(core.sleep_until_mail());
    while app.push(&[1; 8]).is_ok() {}
    assert_eq!(app.send_equal(&[2; 8], 8), Err(SendError::Full));
    assert_eq!(app.send_batch(&[&[3; 8]]), Err(SendError::Full));
    assert!(app.flush().ring_doorbell);
}

/// What is published without a look at the doorbell is there at once; the next look, whatever it comes with, is for it too.
#[test]
fn a_look_that_is_owed_is_made_up_for() {
    let memory = Memory::new();
    let epoch = memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    core.look();
    let mut app = AppEnd::new(memory.view(), epoch);
    let mut buf = [0; 16];
    assert!(core.sleep_until_mail());
    assert_eq!(app.publish_equal(b"one-two.", 4), Ok(2));
    assert!(app.flush().ring_doorbell);
    assert!(!app.flush().ring_doorbell, "it is not owed twice");
    assert_eq!(core.recv_equal(&mut buf, 4), Ok(2));
    assert!(core.sleep_until_mail());
    assert_eq!(app.publish_equal(b"2", 1), Ok(1));
    assert_eq!(core.try_recv(&mut buf), Ok(1), "there, for who looks");
    assert!(app.try_send(b"3").unwrap().ring_doorbell);
    assert_eq!(core.try_recv(&mut buf), Ok(1));
    core.awake();
    assert_eq!(app.publish_equal(b"4", 1), Ok(1));
    assert!(!app.flush().ring_doorbell, "the core looks");
    assert_eq!(core.try_recv(&mut buf), Ok(1));
    assert!(core.sleep_until_mail());
    while app.publish_equal(b"5", 1).is_ok() {}
    assert_eq!(app.send_equal(b"6", 1), Err(SendError::Full));
    assert!(app.flush().ring_doorbell, "a full ring is no excuse");
    memory.state.close();
    assert_eq!(app.publish_equal(b"7", 1), Err(SendError::Closed));
}

/// Room may come late, but never so late that a sender waits for a receiver that waits for it: when nothing more is known
/// to be there, all of it has been given back.
#[test]
fn all_room_is_given_back_by_the_last_frame() {
    let memory = Memory::new();
    let epoch = memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    core.look();
    let mut app = AppEnd::new(memory.view(), epoch);
    let mut buf = [0; 512];
    for turn in 0..200 {
        let frames = 1 + turn % 5;
        for _ in 0..frames {
            let _ = app.try_send(b"short").unwrap();
        }
        for _ in 0..frames {
            let _ = core.try_recv(&mut buf).unwrap();
        }
        let _ = app.try_send(&vec![7; app.max_frame()]).unwrap();
        assert_eq!(core.try_recv(&mut buf).unwrap(), app.max_frame());
    }
}

#[test]
fn messages_of_one_size_go_together() {
    let memory = Memory::new();
    let epoch = memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    core.look();
    let mut app = AppEnd::new(memory.view(), epoch);
    let numbers: Vec<u8> = (0..=255).collect();
    let (mut sent, mut got) = (0_u32, 0_u32);
    for _ in 0..500 {
        let from = (sent % 8 * 16) as usize;
        match app.send_equal(&numbers[from..128], 16) {
            Ok((count, _)) => sent += count as u32,
            Err(error) => assert_eq!(error, SendError::Full),
        }
        let mut buf = [0; 48];
        let count = core.recv_equal(&mut buf, 16).unwrap();
        for message in buf.chunks_exact(16).take(count) {
            assert_eq!(message[0], (got % 8 * 16) as u8, "message {got}");
            assert_eq!(message[15], message[0] + 15);
            got += 1;
        }
    }
    while core.recv_equal(&mut [0; 16], 16).is_ok() {}
    let _ = app.try_send(b"other").unwrap();
    assert_eq!(
        core.recv_equal(&mut [0; 16], 16),
        Err(RecvError::OtherLength { found: 5 })
    );
    assert_eq!(core.try_recv(&mut [0; 5]).unwrap(), 5, "it stayed");
    assert!(got > 400);
}

#[test]
fn batches_say_how_much_went() {
    let memory = Memory::new();
    let epoch = memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    core.look();
    let mut app = AppEnd::new(memory.view(), epoch);
    let frames: [&[u8]; 20] = [b"payload"; 20];
    let (count, _) = app.send_batch(&frames).unwrap();
    assert_eq!(count, WORDS / 2);
    let (mut buf, mut seen) = ([0; 8], 0);
    let received = core.recv_batch(&mut buf, 5, |_| seen += 1).unwrap();
    assert_eq!((received, seen), (5, 5));
    assert_eq!(core.skip().unwrap(), 7);
    core.push(b"a").unwrap();
    let mut one = [0; 1];
    assert_eq!(
        app.try_recv(&mut one),
        Err(RecvError::Empty),
        "not yet published"
    );
    let _ = core.flush();
    assert_eq!(app.try_recv(&mut one).unwrap(), 1);
}

#[test]
fn a_liar_is_cut_off_until_the_reset() {
    let memory = Memory::new();
    memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    core.look();
    memory
        .control
        .to_core
        .scribble(Some((1 << 48) | 0xff_ffff), None);
    let mut buf = [0; 64];
    assert_eq!(core.try_recv(&mut buf), Err(RecvError::PeerCorrupt));
    memory.control.to_core.scribble(Some(0), None);
    assert_eq!(
        core.try_recv(&mut buf),
        Err(RecvError::PeerCorrupt),
        "for good"
    );
    assert_eq!(core.corruptions(), 1);
    memory.state.close();
    memory.state.retire();
    let epoch = memory.view().open().unwrap();
    assert_eq!((core.look(), core.look()), (Link::Lost, Link::Opened));
    let mut app = AppEnd::new(memory.view(), epoch);
    let _ = app.try_send(b"honest").unwrap();
    assert_eq!(core.try_recv(&mut buf).unwrap(), 6);
}
