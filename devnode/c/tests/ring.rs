//! The C halves of a ring against the Rust ones: the same calls on two rings must give the same
//! answers and leave the same words behind, whatever the peer does.

mod common;

use offsched_abi::ring::{
    Consumer, Producer, RING_WORDS_MIN, RecvError, Ring, RingWords, SendError, WORD_BYTES,
    max_frame,
};
use offsched_abi::sync::{AtomicU64, Ordering};
use offsched_c::{Receiver, Sender};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use common::{recv_errno, send_errno};

const EPOCH: u16 = 7;
/// Words before and after a ring's data that nobody may touch.
const GUARD: usize = 4;
const GUARD_WORD: u64 = 0xdead_beef_0bad_cafe;

/// A ring's memory with guards around its data.
struct Memory {
    shared: RingWords,
    data: Vec<AtomicU64>,
    /// Bytes of every message; 0: any.
    size: usize,
}

impl Memory {
    /// `pick` chooses whether messages have one size, and which.
    fn new(words: usize, pick: usize) -> Self {
        let size = match max_frame(words * WORD_BYTES) {
            max if max > 0 && pick % 2 == 1 => 1 + pick / 2 % max,
            _ => 0,
        };
        let guarded = |at| at < GUARD || at >= GUARD + words;
        let word = |at| if guarded(at) { GUARD_WORD } else { 0 };
        Self {
            shared: RingWords::new(),
            data: (0..words + 2 * GUARD)
                .map(|at| AtomicU64::new(word(at)))
                .collect(),
            size,
        }
    }

    fn data(&self) -> &[AtomicU64] {
        &self.data[GUARD..self.data.len() - GUARD]
    }

    fn ring(&self) -> Ring<'_> {
        let ring = Ring::new(&self.shared, self.data()).unwrap();
        ring.of_size(self.size).unwrap()
    }

    fn sender(&self) -> Sender<'_> {
        Sender::attach(&self.shared, self.data(), self.size, EPOCH).unwrap()
    }

    fn receiver(&self) -> Receiver<'_> {
        Receiver::attach(&self.shared, self.data(), self.size, EPOCH).unwrap()
    }

    /// `len`, or mostly the one that the ring takes.
    fn likely(&self, len: usize) -> usize {
        if self.size == 0 || len.is_multiple_of(8) {
            len
        } else {
            self.size
        }
    }

    /// Every word that the two sides share, and the guards.
    fn words(&self) -> Vec<u64> {
        let (tail, head) = self.shared.raw();
        let (of, newest) = self.shared.raw_newest();
        let data = self.data.iter().map(|word| word.load(Ordering::Relaxed));
        let indices = [tail, head, of].into_iter().chain(newest);
        indices.chain(data).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    PublishSent,
    HasRoom(usize),
    Pop(usize),
    Next,
    Skip,
    PublishReceived,
    HasMail,
    /// A word of the peer's, as it might lie: which, how, and a number to lie with.
    Lie(bool, u8, u64),
    /// What lies beside the producer's index, the same way: how, what it says it is, and a word.
    LieNewest(u8, u64, u64),
    /// A word of the data overwritten.
    Scribble(usize, u64),
    Reattach(u16),
}

fn honest() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..90).prop_map(Step::Push),
        4 => Just(Step::PublishSent),
        1 => (0usize..200).prop_map(Step::HasRoom),
        6 => prop_oneof![4 => Just(512usize), 1 => 0usize..40].prop_map(Step::Pop),
        1 => Just(Step::Next),
        1 => Just(Step::Skip),
        4 => Just(Step::PublishReceived),
        1 => Just(Step::HasMail),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => honest(),
        2 => (any::<bool>(), 0u8..8, any::<u64>()).prop_map(|(which, how, n)| Step::Lie(which, how, n)),
        1 => (0u8..8, any::<u64>(), 0u64..330).prop_map(|(how, n, word)| Step::LieNewest(how, n, word)),
        1 => (any::<usize>(), prop_oneof![4 => 0u64..330, 1 => any::<u64>()]).prop_map(|(at, n)| Step::Scribble(at, n)),
        1 => prop_oneof![Just(EPOCH), 0u16..9, Just(u16::MAX)].prop_map(Step::Reattach),
    ]
}

/// A word that a liar might publish in place of `truth`: wild, or just off.
fn lie(how: u8, number: u64, truth: u64, words: usize) -> u64 {
    let epoch = truth >> 48 << 48;
    match how {
        0 => number,
        1 => truth.wrapping_add(number % 5).wrapping_sub(2),
        2 => truth ^ (1 << (number % 64)),
        3 => epoch | ((number % 64) << 24) | ((number >> 8) % 64),
        4 => epoch | (number & 0xffff_ffff_ffff),
        5 => truth.wrapping_add((number % 5) << 24).wrapping_sub(2 << 24),
        // Another index in the ring, or right behind it.
        _ => (truth >> 24 << 24) | (number % (words as u64 + 2)),
    }
}

/// The same steps on a ring of Rust halves and on one of C halves.
fn in_step(words: usize, pick: usize, steps: Vec<Step>) -> Result<u32, TestCaseError> {
    let (ours, theirs) = (Memory::new(words, pick), Memory::new(words, pick));
    let mut tx = Producer::attach(ours.ring(), EPOCH);
    let mut rx = Consumer::attach(ours.ring(), EPOCH);
    let mut c_tx = theirs.sender();
    let mut c_rx = theirs.receiver();
    let (mut buf, mut c_buf) = ([0xaa; 512], [0xaa; 512]);
    for (count, step) in steps.into_iter().enumerate() {
        match step {
            Step::Push(len) => {
                let len = ours.likely(len);
                let payload: Vec<u8> = (0..len).map(|at| (count * 31 + at) as u8).collect();
                prop_assert_eq!(tx.push(&payload).map_err(send_errno), c_tx.push(&payload));
            }
            Step::PublishSent => prop_assert_eq!(tx.publish(), c_tx.publish()),
            Step::HasRoom(len) => prop_assert_eq!(tx.has_room(len), c_tx.has_room(len)),
            Step::Pop(size) => {
                let (buf, c_buf) = (&mut buf[..size], &mut c_buf[..size]);
                prop_assert_eq!(rx.pop(buf).map_err(recv_errno), c_rx.pop(c_buf));
                prop_assert_eq!(buf, c_buf);
            }
            Step::Next => {
                let next = c_rx.next_len();
                prop_assert_eq!(next, c_rx.next_len(), "it stays");
                prop_assert_eq!(next, rx.skip().map_err(recv_errno));
                prop_assert_eq!(next, c_rx.skip());
            }
            Step::Skip => prop_assert_eq!(rx.skip().map_err(recv_errno), c_rx.skip()),
            Step::PublishReceived => prop_assert_eq!(rx.publish(), c_rx.publish()),
            Step::HasMail => prop_assert_eq!(rx.has_mail(), c_rx.has_mail()),
            Step::Lie(which, how, number) => {
                let (tail, head) = ours.shared.raw();
                let tail = which.then(|| lie(how, number, tail, words));
                let head = (!which).then(|| lie(how, number, head, words));
                ours.shared.scribble(tail, head);
                theirs.shared.scribble(tail, head);
            }
            Step::LieNewest(how, number, word) => {
                let of = lie(how, number, ours.shared.raw_newest().0, words);
                ours.shared.scribble_newest(of, word);
                theirs.shared.scribble_newest(of, word);
            }
            Step::Scribble(at, number) => {
                for memory in [&ours, &theirs] {
                    memory.data()[at % words].store(number, Ordering::Relaxed);
                }
            }
            Step::Reattach(epoch) => {
                tx.reattach(epoch);
                rx.reattach(epoch);
                c_tx.reattach(epoch);
                c_rx.reattach(epoch);
            }
        }
        prop_assert_eq!(ours.words(), theirs.words());
        prop_assert_eq!(tx.corruptions(), c_tx.corruptions());
        prop_assert_eq!(rx.corruptions(), c_rx.corruptions());
    }
    Ok(tx.corruptions() + rx.corruptions())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Honest peers: nothing is ever taken for a lie.
    #[test]
    fn honest_halves_do_the_same(words in RING_WORDS_MIN..40, pick in any::<usize>(), steps in prop::collection::vec(honest(), 1..300)) {
        prop_assert_eq!(in_step(words, pick, steps)?, 0);
    }

    /// Liars on both sides, overwritten frames, changes of epoch.
    #[test]
    fn whatever_the_peer_does_halves_do_the_same(words in RING_WORDS_MIN..40, pick in any::<usize>(), steps in prop::collection::vec(any_step(), 1..300)) {
        in_step(words, pick, steps)?;
    }

    /// Frames go through from C to Rust and from Rust to C as they went in, also the longest ones.
    #[test]
    fn frames_cross_over(words in RING_WORDS_MIN..64, pick in any::<usize>(), lens in prop::collection::vec(0usize..300, 1..100)) {
        let (there, back) = (Memory::new(words, pick), Memory::new(words, pick));
        let mut c_tx = there.sender();
        let mut rx = Consumer::attach(there.ring(), EPOCH);
        let mut tx = Producer::attach(back.ring(), EPOCH);
        let mut c_rx = back.receiver();
        let (mut buf, mut c_buf) = ([0; 512], [0; 512]);
        for (count, len) in lens.into_iter().enumerate() {
            let payload: Vec<u8> = (0..there.likely(len).min(tx.max_frame()).max(there.size)).map(|at| (count + at) as u8).collect();
            prop_assert!(c_tx.has_room(payload.len()) && c_tx.sees_room(payload.len()));
            prop_assert!(!c_rx.has_mail() && !c_rx.sees_mail());
            prop_assert_eq!(c_tx.push(&payload), Ok(()));
            prop_assert!(c_tx.publish() && !c_tx.publish());
            prop_assert_eq!(tx.try_send(&payload), Ok(()));
            prop_assert!(c_rx.has_mail() && c_rx.sees_mail());
            let got = rx.try_recv(&mut buf).unwrap();
            prop_assert_eq!(&buf[..got], &payload[..]);
            let got = c_rx.pop(&mut c_buf).unwrap();
            prop_assert_eq!(&c_buf[..got], &payload[..]);
            prop_assert!(c_rx.publish() && !c_rx.publish());
        }
    }

    /// The look from outside agrees with the halves as long as everything is published.
    #[test]
    fn published_words_say_what_the_halves_know(words in RING_WORDS_MIN..40, pick in any::<usize>(), steps in prop::collection::vec((any::<bool>(), 0usize..120), 1..200)) {
        let memory = Memory::new(words, pick);
        let mut tx = Producer::attach(memory.ring(), EPOCH);
        let mut rx = Consumer::attach(memory.ring(), EPOCH);
        let mut c_tx = memory.sender();
        let mut c_rx = memory.receiver();
        let mut buf = [0; 512];
        for (send, len) in steps {
            let len = memory.likely(len);
            let room = tx.has_room(len);
            prop_assert_eq!(c_tx.sees_room(len), room);
            if send {
                prop_assert_eq!(tx.try_send(&vec![1; len]).is_ok(), room);
            } else {
                let _ = rx.try_recv(&mut buf);
            }
            prop_assert_eq!(c_rx.sees_mail(), rx.has_mail());
        }
    }
}

/// Many lies at one pair of rings, with every kind of answer seen at least once.
#[test]
fn liars_are_caught_and_frames_still_go() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut caught = 0;
    for pick in 0..64 {
        let steps = prop::collection::vec(any_step(), 300)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        caught += in_step(33, pick, steps).unwrap();
    }
    assert!(
        caught > 20,
        "only {caught} liars were caught: the lies are too harmless"
    );
}

#[test]
fn what_is_too_small_for_a_ring_is_none() {
    let memory = Memory::new(RING_WORDS_MIN - 1, 0);
    assert!(Sender::attach(&memory.shared, memory.data(), 0, EPOCH).is_none());
    assert!(Receiver::attach(&memory.shared, memory.data(), 0, EPOCH).is_none());
    // The longest in 33 words has 15.
    let memory = Memory::new(33, 0);
    for (size, fits) in [(120, true), (121, false)] {
        let ring = Ring::new(&memory.shared, memory.data()).unwrap();
        assert_eq!(ring.of_size(size).is_some(), fits);
        let sender = Sender::attach(&memory.shared, memory.data(), size, EPOCH);
        assert_eq!(sender.is_some(), fits);
    }
}

/// Two threads, C on one side and Rust on the other, both ways: order and contents hold.
#[test]
fn two_threads_keep_order_across_languages() {
    const FRAMES: u64 = 20_000;
    let (there, back) = (Memory::new(64, 0), Memory::new(64, 0));
    let (there, back) = (&there, &back);
    let payload = |number: u64| number.to_le_bytes().repeat(1 + (number % 4) as usize);
    let stop = &AtomicU64::new(0);
    let stopped = || stop.load(Ordering::Relaxed) != 0;
    std::thread::scope(|scope| {
        let _stop = common::OnDrop(|| stop.store(1, Ordering::Relaxed));
        scope.spawn(move || {
            let mut c_tx = there.sender();
            for number in 0..FRAMES {
                while c_tx.push(&payload(number)).is_err() {
                    if stopped() {
                        return;
                    }
                    std::thread::yield_now();
                }
                c_tx.publish();
            }
        });
        // The Rust side sends on what it receives.
        scope.spawn(move || {
            let mut rx = Consumer::attach(there.ring(), EPOCH);
            let mut tx = Producer::attach(back.ring(), EPOCH);
            let mut buf = [0; 64];
            for _ in 0..FRAMES {
                let len = loop {
                    match rx.try_recv(&mut buf) {
                        Ok(len) => break len,
                        Err(error) => assert_eq!(error, RecvError::Empty),
                    }
                    if stopped() {
                        return;
                    }
                    std::thread::yield_now();
                };
                while let Err(error) = tx.try_send(&buf[..len]) {
                    assert_eq!(error, SendError::Full);
                    if stopped() {
                        return;
                    }
                    std::thread::yield_now();
                }
            }
        });
        let mut c_rx = back.receiver();
        let mut buf = [0; 64];
        for number in 0..FRAMES {
            let len = loop {
                match c_rx.pop(&mut buf) {
                    Ok(len) => break len,
                    Err(error) => assert_eq!(error.0, libc::EAGAIN),
                }
                std::thread::yield_now();
            };
            c_rx.publish();
            assert_eq!(buf[..len], payload(number));
        }
    });
}
