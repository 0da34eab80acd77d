//! The ring against a model, and against a peer that writes anything anywhere.
//!
//! `OFFSCHED_FUZZ_STEPS` sets how many steps the hostile peers take (default 200,000).
#![cfg(not(loom))]

use std::collections::VecDeque;
use std::ops::Range;

use offsched_abi::ring::{
    Consumer, Producer, RING_WORDS_MIN, RecvError, Ring, RingWords, SendError, max_frame,
    ring_bytes_for,
};
use offsched_abi::sync::{AtomicU64, Ordering};
use proptest::prelude::*;

const EPOCH: u16 = 7;

fn data(words: usize) -> Vec<AtomicU64> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}

/// xorshift64*: a seeded stream of numbers.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn fuzz_steps() -> u64 {
    std::env::var("OFFSCHED_FUZZ_STEPS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(200_000)
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Push(usize),
    /// So many of so many bytes.
    PushEqual(usize, usize),
    PublishSent,
    Recv,
    Pop,
    PopEqual(usize, usize),
    PopBatch(usize),
    PublishReceived,
    Skip,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..80).prop_map(Step::Send),
        2 => (0usize..80).prop_map(Step::Push),
        3 => (0usize..9, 1usize..30).prop_map(|(count, size)| Step::PushEqual(count, size)),
        1 => Just(Step::PublishSent),
        4 => Just(Step::Recv),
        2 => Just(Step::Pop),
        2 => (1usize..9, 1usize..30).prop_map(|(count, size)| Step::PopEqual(count, size)),
        2 => (1usize..9).prop_map(Step::PopBatch),
        1 => Just(Step::PublishReceived),
        1 => Just(Step::Skip),
    ]
}

/// A ring's words, and the one size of its messages; 0: any.
fn ring_and_size(words: Range<usize>) -> impl Strategy<Value = (usize, usize)> {
    words.prop_flat_map(|words| {
        let sizes = prop_oneof![Just(0), 1..=max_frame(words * 8)];
        (Just(words), sizes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the order of operations, frames come out as they went in. With a size (not 0) all frames have that.
    #[test]
    fn behaves_like_a_queue(
        (words, size) in ring_and_size(RING_WORDS_MIN..40),
        steps in prop::collection::vec(step(), 1..400)
    ) {
        let (shared, data) = (RingWords::new(), data(words));
        let ring = Ring::new(&shared, &data).unwrap().of_size(size).unwrap();
        let mut tx = Producer::attach(ring, EPOCH);
        let mut rx = Consumer::attach(ring, EPOCH);
        let (mut unpublished, mut sent) = (VecDeque::new(), VecDeque::new());
        let max = tx.max_frame();
        let likely = |any: usize| if size > 0 && !any.is_multiple_of(4) { size } else { any };
        let mut buf = [0; 256];
        for (count, step) in steps.into_iter().enumerate() {
            match step {
                Step::Send(len) | Step::Push(len) => {
                    let len = likely(len);
                    let payload = vec![count as u8; len];
                    match tx.push(&payload) {
                        Ok(()) => unpublished.push_back(payload),
                        Err(SendError::TooLong { max: told }) => prop_assert!(len > max && told == max),
                        Err(SendError::OtherLength { size: told }) => prop_assert!(len != size && told == size),
                        Err(error) => {
                            prop_assert_eq!(error, SendError::Full);
                            prop_assert!(len <= max);
                        }
                    }
                    if matches!(step, Step::Send(_)) {
                        tx.publish();
                        sent.append(&mut unpublished);
                    }
                }
                Step::PublishSent => {
                    tx.publish();
                    sent.append(&mut unpublished);
                }
                Step::Recv | Step::Pop => {
                    let got = rx.pop(&mut buf).map(|len| buf[..len].to_vec());
                    prop_assert_eq!(got.ok(), sent.pop_front());
                    if matches!(step, Step::Recv) {
                        rx.publish();
                    }
                }
                Step::PushEqual(count_of, len) => {
                    let len = likely(len);
                    let bytes: Vec<u8> = (0..count_of * len).map(|at| (count + at / len) as u8).collect();
                    let pushed = match tx.push_equal(&bytes, len) {
                        Ok(pushed) => pushed,
                        Err(SendError::Full) => 0,
                        Err(SendError::TooLong { max: told }) => {
                            prop_assert!(len > max && told == max);
                            continue;
                        }
                        Err(error) => {
                            prop_assert_eq!(error, SendError::OtherLength { size });
                            prop_assert_ne!(len, size);
                            continue;
                        }
                    };
                    prop_assert!(pushed == count_of || !tx.has_room(len), "as many as there is room for");
                    unpublished.extend(bytes.chunks(len).take(pushed).map(<[u8]>::to_vec));
                }
                Step::PopEqual(most, len) => {
                    let len = likely(len);
                    // As many as wait, up to one of another length.
                    let same = sent.iter().take(most).take_while(|frame| frame.len() == len).count();
                    match rx.pop_equal(&mut buf[..most.min(256 / len) * len], len) {
                        Ok(taken) => {
                            prop_assert_eq!(taken, same.min(256 / len));
                            for (at, frame) in sent.drain(..taken).enumerate() {
                                prop_assert_eq!(&buf[at * len..][..len], &frame[..]);
                            }
                        }
                        Err(RecvError::Empty) => prop_assert!(sent.is_empty()),
                        Err(error) => {
                            let found = sent.front().map_or(0, Vec::len);
                            prop_assert_eq!(error, RecvError::OtherLength { found });
                            prop_assert_ne!(found, len);
                        }
                    }
                }
                Step::PopBatch(most) => {
                    let mut got = Vec::new();
                    let taken = rx.pop_batch(&mut buf, most, |frame| got.push(frame.to_vec())).unwrap_or(0);
                    prop_assert_eq!(taken, most.min(sent.len()));
                    let expected: Vec<_> = sent.drain(..taken).collect();
                    prop_assert_eq!(got, expected);
                }
                Step::PublishReceived => { rx.publish(); }
                Step::Skip => {
                    prop_assert_eq!(rx.skip().ok(), sent.pop_front().map(|frame| frame.len()));
                }
            }
        }
        prop_assert_eq!((tx.corruptions(), rx.corruptions()), (0, 0));
    }

    /// A frame of the greatest length goes into an emptied ring wherever the indices stand. With a size that is the only
    /// one.
    #[test]
    fn the_longest_frame_always_goes(
        (words, size) in ring_and_size(RING_WORDS_MIN..64),
        lens in prop::collection::vec(0usize..300, 1..100)
    ) {
        let (shared, data) = (RingWords::new(), data(words));
        let ring = Ring::new(&shared, &data).unwrap().of_size(size).unwrap();
        let mut tx = Producer::attach(ring, EPOCH);
        let mut rx = Consumer::attach(ring, EPOCH);
        let longest = vec![1; tx.max_frame()];
        let mut buf = [0; 512];
        for len in lens {
            let len = if size > 0 { size } else { len.min(longest.len()) };
            tx.try_send(&longest[..len]).unwrap();
            rx.try_recv(&mut buf).unwrap();
            tx.try_send(&longest).unwrap();
            prop_assert_eq!(rx.try_recv(&mut buf), Ok(longest.len()));
        }
    }
}

#[test]
fn sizes_agree() {
    for payload in 0..200 {
        assert!(max_frame(ring_bytes_for(payload)) >= payload, "{payload}");
        if payload > 0 && payload.is_multiple_of(8) {
            assert!(
                max_frame(ring_bytes_for(payload) - 8) < payload,
                "{payload}"
            );
        }
    }
    assert!(Ring::new(&RingWords::new(), &data(RING_WORDS_MIN - 1)).is_none());
}

#[test]
fn a_frame_too_long_for_the_buffer_stays() {
    let (shared, data) = (RingWords::new(), data(16));
    let ring = Ring::new(&shared, &data).unwrap();
    let mut tx = Producer::attach(ring, EPOCH);
    let mut rx = Consumer::attach(ring, EPOCH);
    tx.try_send(b"nine byte").unwrap();
    let mut buf = [0; 9];
    assert_eq!(
        rx.try_recv(&mut buf[..4]),
        Err(RecvError::BufferTooSmall { needed: 9 })
    );
    assert_eq!(rx.try_recv(&mut buf), Ok(9));
    assert_eq!(&buf, b"nine byte");
    assert_eq!(rx.try_recv(&mut buf), Err(RecvError::Empty));
}

#[test]
fn a_batch_is_published_once_even_across_the_end() {
    let (shared, data) = (RingWords::new(), data(16));
    let ring = Ring::new(&shared, &data).unwrap();
    let mut tx = Producer::attach(ring, EPOCH);
    let mut rx = Consumer::attach(ring, EPOCH);
    let mut buf = [0; 16];
    // Stand near the end, so that the batch goes round.
    for _ in 0..6 {
        tx.try_send(b"12345678").unwrap();
        rx.try_recv(&mut buf).unwrap();
    }
    let frames: [&[u8]; 9] = [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"i"];
    let sent = tx.send_batch(&frames).unwrap();
    assert!(
        sent > 2 && sent < frames.len(),
        "goes round and gets full: {sent}"
    );
    let mut got = Vec::new();
    let received = rx
        .recv_batch(&mut buf, 100, |frame| got.push(frame.to_vec()))
        .unwrap();
    assert_eq!(received, sent);
    assert_eq!(
        got,
        frames[..sent]
            .iter()
            .map(|frame| frame.to_vec())
            .collect::<Vec<_>>()
    );
    assert_eq!(tx.send_batch(&frames[..1]), Ok(1));
}

/// In batches of whole cache lines: the ring takes 31 lines of 32, and the batch of which only a part goes in ends with a
/// line too. Otherwise it would share a line with every batch behind it.
#[test]
fn a_full_ring_leaves_a_line_free() {
    let (shared, data) = (RingWords::new(), data(256));
    let ring = Ring::new(&shared, &data).unwrap().of_size(16).unwrap();
    let mut tx = Producer::attach(ring, EPOCH);
    let mut rx = Consumer::attach(ring, EPOCH);
    let (batch, mut buf) = ([7; 32 * 16], [0; 32 * 16]);
    for turn in 0..20 {
        let mut sent = 0;
        while let Ok(count) = tx.push_equal(&batch, 16) {
            sent += count;
            assert_eq!(count % 4, 0);
        }
        tx.publish();
        // At first there is no reader to stay away from.
        assert_eq!(sent, if turn == 0 { 128 } else { 124 }, "turn {turn}");
        assert!(!tx.has_room(16));
        let mut got = 0;
        while let Ok(count) = rx.pop_equal(&mut buf, 16) {
            got += count;
        }
        assert_eq!(got, sent);
        rx.publish();
    }
}

#[test]
fn another_epochs_words_are_an_empty_ring() {
    let (shared, data) = (RingWords::new(), data(16));
    let ring = Ring::new(&shared, &data).unwrap();
    let mut old = Producer::attach(ring, 1);
    let mut rx = Consumer::attach(ring, 2);
    let mut buf = [0; 16];
    old.try_send(b"late").unwrap();
    assert_eq!(rx.try_recv(&mut buf), Err(RecvError::Empty));
    let mut tx = Producer::attach(ring, 2);
    tx.try_send(b"new").unwrap();
    assert_eq!(rx.try_recv(&mut buf), Ok(3));
}

/// A word that a liar might publish: wild, or just off.
fn lie(numbers: &mut Numbers, truth: u64) -> u64 {
    match numbers.below(6) {
        0 => numbers.next(),
        1 => truth.wrapping_add(numbers.below(5)).wrapping_sub(2),
        2 => truth ^ (1 << numbers.below(64)),
        3 => (u64::from(EPOCH) << 48) | (numbers.below(64) << 24) | numbers.below(64),
        4 => (u64::from(EPOCH) << 48) | (numbers.next() & 0xffff_ffff_ffff),
        _ => truth,
    }
}

/// The consumer must survive any producer: no panic, every frame within the ring's bounds, and
/// corrupt for good once it said so.
#[test]
fn consumer_survives_a_hostile_producer() {
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let (shared, data) = (RingWords::new(), data(33));
    let ring = Ring::new(&shared, &data).unwrap();
    let mut rx = Consumer::attach(ring, EPOCH);
    let (mut buf, mut caught, mut frames) = ([0; 512], 0, 0);
    for _ in 0..fuzz_steps() {
        if numbers.below(3) == 0 {
            data[numbers.below(33) as usize].store(numbers.below(200), Ordering::Relaxed);
        }
        let tail = lie(&mut numbers, shared.raw().0);
        shared.scribble(Some(tail), None);
        match rx.try_recv(&mut buf) {
            Ok(len) => {
                assert!(len <= rx_max(33));
                frames += 1;
            }
            Err(RecvError::PeerCorrupt) => {
                caught += 1;
                assert!(rx.is_corrupt());
                assert_eq!(rx.try_recv(&mut buf), Err(RecvError::PeerCorrupt), "sticky");
                assert_eq!(rx.corruptions(), caught, "counted once");
                shared.scribble(Some(0), Some(0));
                rx.reattach(EPOCH);
            }
            Err(error) => assert_eq!(error, RecvError::Empty),
        }
    }
    assert!(caught > 0 && frames > 0, "both happened: {caught} {frames}");
}

fn rx_max(words: usize) -> usize {
    max_frame(words * 8)
}

/// The producer must survive any consumer, and never write outside the ring.
#[test]
fn producer_survives_a_hostile_consumer() {
    let mut numbers = Numbers(0xfeed_beef_dead_cafe);
    let (shared, data) = (RingWords::new(), data(35));
    // The words around the ring's are guards.
    for guard in [&data[0], &data[34]] {
        guard.store(u64::MAX, Ordering::Relaxed);
    }
    let ring = Ring::new(&shared, &data[1..34]).unwrap();
    let mut tx = Producer::attach(ring, EPOCH);
    let (mut caught, mut sent) = (0, 0);
    for _ in 0..fuzz_steps() {
        let head = lie(&mut numbers, shared.raw().1);
        shared.scribble(None, Some(head));
        match tx.try_send(&vec![0xab; numbers.below(130) as usize]) {
            Ok(()) => sent += 1,
            Err(SendError::PeerCorrupt) => {
                caught += 1;
                assert_eq!(tx.try_send(b"x"), Err(SendError::PeerCorrupt), "sticky");
                assert_eq!(tx.corruptions(), caught, "counted once");
                shared.scribble(Some(0), Some(0));
                tx.reattach(EPOCH);
            }
            Err(SendError::TooLong { max }) => assert_eq!(max, rx_max(33)),
            Err(error) => assert_eq!(error, SendError::Full),
        }
        assert!(data[0].load(Ordering::Relaxed) == u64::MAX);
        assert!(data[34].load(Ordering::Relaxed) == u64::MAX);
    }
    assert!(caught > 0 && sent > 0, "both happened: {caught} {sent}");
}

/// An honest consumer's every move must be believed; the same moves turned back must not.
#[test]
fn an_index_moved_back_is_caught() {
    let (shared, data) = (RingWords::new(), data(16));
    let ring = Ring::new(&shared, &data).unwrap();
    let mut tx = Producer::attach(ring, EPOCH);
    let mut rx = Consumer::attach(ring, EPOCH);
    let mut buf = [0; 16];
    let (tail, head) = shared.raw();
    for _ in 0..3 {
        tx.try_send(b"12345678").unwrap();
        rx.try_recv(&mut buf).unwrap();
    }
    shared.scribble(Some((u64::from(EPOCH) << 48) | 2), None);
    assert_eq!(rx.try_recv(&mut buf), Err(RecvError::PeerCorrupt));
    assert_eq!((tail, head), (0, 0));
    while tx.try_send(b"12345678").is_ok() {}
    shared.scribble(None, Some((u64::from(EPOCH) << 48) | 5));
    assert_eq!(tx.try_send(b"12345678"), Err(SendError::PeerCorrupt));
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Two honest halves on two threads: order and contents hold.
#[test]
fn two_threads_keep_order() {
    const FRAMES: u64 = 20_000;
    let (shared, data) = (RingWords::new(), data(64));
    let ring = Ring::new(&shared, &data).unwrap();
    let stop = &AtomicU64::new(0);
    std::thread::scope(|scope| {
        // Dropped last, or when an assertion fails: the sender does not wait for ever.
        let _stop = OnDrop(|| stop.store(1, Ordering::Relaxed));
        scope.spawn(move || {
            let mut tx = Producer::attach(ring, EPOCH);
            for number in 0..FRAMES {
                let payload: Vec<u8> = number.to_le_bytes().repeat(1 + (number % 4) as usize);
                while tx.try_send(&payload) == Err(SendError::Full) {
                    if stop.load(Ordering::Relaxed) != 0 {
                        return;
                    }
                    std::thread::yield_now();
                }
            }
        });
        let mut rx = Consumer::attach(ring, EPOCH);
        let mut buf = [0; 64];
        for number in 0..FRAMES {
            let len = loop {
                match rx.try_recv(&mut buf) {
                    Ok(len) => break len,
                    Err(error) => assert_eq!(error, RecvError::Empty),
                }
                std::thread::yield_now();
            };
            assert_eq!(
                buf[..len],
                number.to_le_bytes().repeat(1 + (number % 4) as usize)
            );
        }
    });
}
