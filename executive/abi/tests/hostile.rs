//! Both ends of a channel against a peer that writes anything anywhere in the shared words.
//!
//! One step is one call of ours, with lies before it; in a third of the runs another thread lies all the while, also in the
//! middle of a call. In every other run all messages of a ring have one size, and there are no headers to lie with. `OFFSCHED_FUZZ_STEPS` sets how many steps are taken in all (default
//! 200,000), on every CPU. 10^9 of them take minutes in release mode:
//! `OFFSCHED_FUZZ_STEPS=1000000000 cargo test --release -p offsched-abi --test hostile`.
#![cfg(not(loom))]

use offsched_abi::channel::{AppEnd, ChannelState, ChannelView, ControlPage, CoreEnd, Sizes, Wait};
use offsched_abi::ring::{RecvError, SendError};
use offsched_abi::sync::{AtomicU64, Ordering};
use std::sync::atomic::AtomicBool;

/// Data words of each ring; a prime, so that nothing falls together by chance.
const WORDS: usize = 61;
/// Words before, between and behind the rings that nobody may touch.
const GUARD: u64 = 0x6775_6172_6467_7561;
/// Runs of a thread.
const RUNS: u64 = 6;
/// The longest payload that such a ring takes: half its words less the header's.
const LONGEST: usize = ((WORDS - 1) / 2 - 1) * 8;

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
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

/// A channel whose rings lie between guards.
struct Memory {
    state: ChannelState,
    control: ControlPage,
    data: Vec<AtomicU64>,
    sizes: Sizes,
}

impl Memory {
    fn new(sizes: Sizes) -> Self {
        let guard = |at: usize| at.is_multiple_of(WORDS + 1);
        let word = |at| AtomicU64::new(if guard(at) { GUARD } else { 0 });
        Self {
            state: ChannelState::new(),
            control: ControlPage::new(),
            data: (0..2 * WORDS + 3).map(word).collect(),
            sizes,
        }
    }

    fn ring(&self, which: usize) -> &[AtomicU64] {
        &self.data[which * (WORDS + 1) + 1..][..WORDS]
    }

    fn view(&self) -> ChannelView<'_> {
        let view = ChannelView::from_parts(&self.state, &self.control, self.ring(0), self.ring(1));
        view.unwrap().of_sizes(self.sizes).unwrap()
    }

    fn check_guards(&self) {
        for at in [0, WORDS + 1, 2 * WORDS + 2] {
            assert_eq!(self.data[at].load(Ordering::Relaxed), GUARD, "guard {at}");
        }
    }

    /// A word that is wild, just off, or an index like an honest one.
    fn lie(numbers: &mut Numbers, truth: u64, epoch: u16) -> u64 {
        let epoch = u64::from(epoch) << 48;
        match numbers.below(8) {
            0 => numbers.next(),
            1 => truth.wrapping_add(numbers.below(5)).wrapping_sub(2),
            2 => truth ^ (1 << numbers.below(64)),
            3 => epoch | (numbers.below(64) << 24) | numbers.below(64),
            4 => epoch | (numbers.next() & 0xffff_ffff_ffff),
            5 => epoch | numbers.below(64),
            _ => truth,
        }
    }

    /// What a liar does between two steps: words that are his to write, and words that are not.
    fn scribble(&self, numbers: &mut Numbers, epoch: u16) {
        let rings = [&self.control.to_core, &self.control.from_core];
        for words in rings {
            let (tail, head) = words.raw();
            words.scribble(
                Some(Self::lie(numbers, tail, epoch)),
                Some(Self::lie(numbers, head, epoch)),
            );
            let of = Self::lie(numbers, words.raw_newest().0, epoch);
            words.scribble_newest(of, numbers.below(LONGEST as u64 + 30));
        }
        let wants = [&self.control.core, &self.control.app];
        wants[numbers.below(2) as usize].scribble(match numbers.below(3) {
            0 => numbers.next() as u32,
            _ => numbers.below(4) as u32,
        });
        let word = &self.ring(numbers.below(2) as usize)[numbers.below(WORDS as u64) as usize];
        let header = match numbers.below(4) {
            0 => numbers.next(),
            _ => numbers.below(LONGEST as u64 + 30),
        };
        word.store(header, Ordering::Relaxed);
    }

    /// Linux's side resets the channel for the next client.
    fn reset(&self) -> u16 {
        self.state.close();
        self.state.retire();
        self.view().open().unwrap()
    }
}

/// What happened.
#[derive(Default)]
struct Tally {
    caught: u64,
    sent: u64,
    received: u64,
}

/// One call of ours; true if the peer was caught.
macro_rules! step {
    ($end:expr, $sends:expr, $receives:expr, $sleep:expr, $numbers:expr, $tally:expr) => {{
        let mut buf = [0; LONGEST + 64];
        let room = $numbers.below(buf.len() as u64 + 1) as usize;
        let payload = [0xab; LONGEST + 64];
        // What the ring takes, where it takes only that; and anything.
        let either = |ring: usize, any: usize, pick| match (ring, pick) {
            (1.., 0..3) => ring,
            _ => any,
        };
        let len = $numbers.below(payload.len() as u64) as usize;
        let len = either($sends, len, $numbers.below(4));
        let count = $numbers.below(9) as usize;
        let size = 1 + $numbers.below(40) as usize;
        let (in_size, out_size) = (
            either($receives, size, $numbers.below(4)),
            either($sends, size, $numbers.below(4)),
        );
        let result = match $numbers.below(11) {
            0..=2 => received($end.try_recv(&mut buf[..room]).map(|got| (got, room))),
            3 => received(
                $end.recv_batch(&mut buf[..room], count, |frame| {
                    assert!(frame.len() <= room);
                })
                .map(|got| (got, count)),
            ),
            4 => received(
                $end.recv_equal(&mut buf[..room], in_size)
                    .map(|got| (got, room / in_size)),
            ),
            5 => received($end.skip().map(|got| (got, LONGEST))),
            6 => sent($end.try_send(&payload[..len]).map(|_| 1)),
            7 => sent(
                $end.send_batch(&[&payload[..len]; 8][..count])
                    .map(|got| got.0),
            ),
            8 => sent($end.send_equal(&payload, out_size).map(|got| got.0)),
            9 => sent($end.publish_equal(&payload, out_size)),
            _ => {
                let wait = [Wait::Mail, Wait::Room(len), Wait::Either(len)][count % 3];
                $sleep(&mut $end, wait);
                $end.awake();
                Ok(Some(()))
            }
        };
        match result {
            Ok(Some(())) => {}
            Ok(None) => $tally.received += 1,
            Err(true) => $tally.caught += 1,
            Err(false) => $tally.sent += 1,
        }
        matches!(result, Err(true))
    }};
}

/// `Ok(None)`: something came; `Err(true)`: the peer was caught.
fn received(result: Result<(usize, usize), RecvError>) -> Result<Option<()>, bool> {
    match result {
        Ok((len, most)) => {
            assert!(len <= most, "{len} of {most}");
            Ok(None)
        }
        Err(RecvError::PeerCorrupt) => Err(true),
        Err(RecvError::BufferTooSmall { needed: len } | RecvError::OtherLength { found: len }) => {
            assert!(len <= LONGEST);
            Ok(Some(()))
        }
        Err(RecvError::Empty | RecvError::Closed) => Ok(Some(())),
    }
}

/// `Err(false)`: something went; `Err(true)`: the peer was caught.
fn sent(result: Result<usize, SendError>) -> Result<Option<()>, bool> {
    match result {
        Ok(_) => Err(false),
        Err(SendError::PeerCorrupt) => Err(true),
        Err(SendError::TooLong { max }) => {
            assert_eq!(max, LONGEST);
            Ok(Some(()))
        }
        Err(SendError::OtherLength { size }) => {
            assert!(size <= LONGEST);
            Ok(Some(()))
        }
        Err(SendError::Full | SendError::Closed) => Ok(Some(())),
    }
}

/// Ends the liar beside a run, however that ends.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Some runs, of which the last two are with company; what happened in those with headers, and without.
fn fuzz(seed: u64, steps: u64) -> [Tally; 2] {
    let mut sums = [Tally::default(), Tally::default()];
    for number in 0..RUNS {
        let over = AtomicBool::new(false);
        let seed = seed.wrapping_add(number.wrapping_mul(0x6a09_e667_f3bc_c909));
        let mut sizes = Numbers(seed | 1);
        let mut size = || match number % 2 {
            0 => 0,
            _ => 1 + sizes.below(64) as usize,
        };
        let memory = Memory::new(Sizes {
            to_core: size(),
            from_core: size(),
        });
        let tally = std::thread::scope(|scope| {
            let _over = Over(&over);
            if number >= RUNS - 2 {
                scope.spawn(|| lie_on(&memory, seed ^ 0xffff_0000, &over));
            }
            run(&memory, seed, steps.div_ceil(RUNS))
        });
        let sum = &mut sums[number as usize % 2];
        sum.caught += tally.caught;
        sum.sent += tally.sent;
        sum.received += tally.received;
    }
    sums
}

fn lie_on(memory: &Memory, seed: u64, over: &AtomicBool) {
    let mut numbers = Numbers(seed | 1);
    while !over.load(Ordering::Relaxed) {
        let (_, epoch) = memory.state.load();
        memory.scribble(&mut numbers, epoch);
        // Honest stretches in between, so that some frames get through.
        for _ in 0..numbers.below(256) {
            std::hint::spin_loop();
        }
    }
}

fn run(memory: &Memory, seed: u64, steps: u64) -> Tally {
    let mut numbers = Numbers(seed | 1);
    let mut tally = Tally::default();
    let mut epoch = memory.view().open().unwrap();
    let mut core = CoreEnd::new(memory.view());
    let mut app = AppEnd::new(memory.view(), epoch);
    let Sizes { to_core, from_core } = memory.sizes;
    for number in 0..steps {
        // Some steps are honest, so that frames get through and the indices go round.
        if numbers.below(3) == 0 {
            memory.scribble(&mut numbers, epoch);
        }
        core.look();
        let caught = if number % 2 == 0 {
            step!(
                core,
                from_core,
                to_core,
                |core: &mut CoreEnd<'_>, _| core.sleep_until_mail(),
                numbers,
                tally
            )
        } else {
            step!(app, to_core, from_core, AppEnd::sleep_until, numbers, tally)
        };
        if caught {
            memory.check_guards();
            epoch = memory.reset();
            app = AppEnd::new(memory.view(), epoch);
            for words in [&memory.control.to_core, &memory.control.from_core] {
                words.scribble(Some(0), Some(0));
            }
        }
    }
    memory.check_guards();
    tally
}

#[test]
fn both_ends_survive_a_peer_that_writes_anything_anywhere() {
    let steps = std::env::var("OFFSCHED_FUZZ_STEPS").ok();
    let steps: u64 = steps.and_then(|n| n.parse().ok()).unwrap_or(200_000);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let seed = |thread| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(thread + 1);
    let tallies: Vec<[Tally; 2]> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || fuzz(seed(thread), steps.div_ceil(threads))))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    println!("{steps} steps on {threads} CPUs");
    for (kind, frames) in ["with headers", "of one size"].into_iter().enumerate() {
        let sum = |of: fn(&Tally) -> u64| tallies.iter().map(|tally| of(&tally[kind])).sum::<u64>();
        let (caught, sent) = (sum(|tally| tally.caught), sum(|tally| tally.sent));
        let received = sum(|tally| tally.received);
        println!("{frames}: {caught} lies caught, {sent} sends, {received} receives");
        assert!(caught > 0 && sent > 0 && received > 0);
    }
}
