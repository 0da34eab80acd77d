//! Both halves of a ring on this core: what sending and receiving cost the executive's side.

use core::hint::black_box;

use offsched::Console;
use offsched::abi::ring::{Consumer, Producer, Ring, RingWords};
use offsched::abi::sync::AtomicU64;

use crate::samples::{Samples, bracket};

const EPOCH: u16 = 1;
/// 4 KiB of data.
const WORDS: usize = 512;
const PAYLOAD: usize = 64;

/// Measures one message of 64 bytes at a time, in a ring of such messages, as a service's whose type is stated.
pub fn measure(console: &mut Console<'_>, empty: u64) {
    let words = RingWords::new();
    let data = [const { AtomicU64::new(0) }; WORDS];
    let Some(ring) = Ring::new(&words, &data).and_then(|ring| ring.of_size(PAYLOAD)) else {
        return;
    };
    let mut producer = Producer::attach(ring, EPOCH);
    let mut consumer = Consumer::attach(ring, EPOCH);
    let payload = black_box([7_u8; PAYLOAD]);
    let mut buffer = [0_u8; PAYLOAD];
    let (mut send, mut receive, mut both) = (Samples::new(), Samples::new(), Samples::new());
    while !both.full() {
        send.add(bracket(|| {
            let _ = black_box(producer.try_send(&payload));
        }));
        receive.add(bracket(|| {
            let _ = black_box(consumer.try_recv(&mut buffer));
        }));
        both.add(bracket(|| {
            let _ = black_box(producer.try_send(&payload));
            let _ = black_box(consumer.try_recv(&mut buffer));
        }));
    }
    if black_box(buffer) == payload {
        send.print(console, "ring, send 64 bytes", empty);
        receive.print(console, "ring, receive 64 bytes", empty);
        both.print(console, "ring, send to receive, 64 bytes", empty);
    }
}
