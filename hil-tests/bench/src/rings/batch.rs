//! 16-byte messages one way, 32 at a time, beside tuned rings in the same shape.
//!
//! Every ring has room for [`ROOM`] messages; one thread puts batches in as fast as they go, the
//! other takes up to a batch at a time. A sample is the time between two batches received, for
//! each message in it.

use std::hint::black_box;

use offsched::abi::channel::CoreEnd;
use ringbuf::HeapRb;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use rtrb::RingBuffer;

use super::Pair;
use super::stream::{Parts, stream};
use crate::series::Book;

/// Messages put in at a time.
const MESSAGES: usize = 32;
/// Messages that a ring has room for.
const ROOM: usize = 1024;
/// Bytes of a message.
type Message = [u8; 16];

/// A round.
pub fn measure(book: &mut Book, pair: Pair) -> Result<(), String> {
    ours(book, pair)?;
    ours_looking(book, pair)?;
    rtrb(book, pair)?;
    ringbuf(book, pair)
}

/// As the peers, which have no doorbell: a look whether somebody sleeps when the ring is full, before waiting.
fn ours(book: &mut Book, pair: Pair) -> Result<(), String> {
    let parts = Parts::new(ROOM * size_of::<Message>(), size_of::<Message>());
    let (mut app, core) = parts.ends().ok_or("a ring is too small")?;
    let batch = [[7; 16]; MESSAGES];
    let send = move || {
        let bytes = black_box(&batch).as_flattened();
        if app.publish_equal(bytes, size_of::<Message>()) != Ok(MESSAGES) {
            black_box(app.flush().ring_doorbell);
        }
    };
    stream(book, "batch.ours", pair, MESSAGES, send, receiver(core))
}

/// With that look at every batch.
fn ours_looking(book: &mut Book, pair: Pair) -> Result<(), String> {
    let parts = Parts::new(ROOM * size_of::<Message>(), size_of::<Message>());
    let (mut app, core) = parts.ends().ok_or("a ring is too small")?;
    let batch = [[7; 16]; MESSAGES];
    let send = move || {
        let bytes = black_box(&batch).as_flattened();
        black_box(app.send_equal(bytes, size_of::<Message>()).is_ok());
    };
    stream(book, "batch.looking", pair, MESSAGES, send, receiver(core))
}

/// Takes up to a batch.
fn receiver(mut core: CoreEnd<'_>) -> impl FnMut() -> usize {
    let mut buf = [Message::default(); MESSAGES];
    move || {
        let got = core.recv_equal(buf.as_flattened_mut(), size_of::<Message>());
        let count = got.unwrap_or(0);
        for message in &buf[..count] {
            black_box(message);
        }
        count
    }
}

fn rtrb(book: &mut Book, pair: Pair) -> Result<(), String> {
    let (mut producer, mut consumer) = RingBuffer::<Message>::new(ROOM);
    let batch = [[7; 16]; MESSAGES];
    let send = move || {
        if let Ok(chunk) = producer.write_chunk_uninit(MESSAGES) {
            chunk.fill_from_iter(black_box(&batch).iter().copied());
        }
    };
    let receive = move || {
        let count = consumer.slots().min(MESSAGES);
        match consumer.read_chunk(count) {
            Ok(chunk) => {
                for message in chunk {
                    black_box(&message);
                }
                count
            }
            Err(_) => 0,
        }
    };
    stream(book, "batch.rtrb", pair, MESSAGES, send, receive)
}

fn ringbuf(book: &mut Book, pair: Pair) -> Result<(), String> {
    let (mut producer, mut consumer) = HeapRb::<Message>::new(ROOM).split();
    let batch = [[7; 16]; MESSAGES];
    let send = move || {
        producer.push_slice(black_box(&batch));
    };
    let mut buf = [Message::default(); MESSAGES];
    let receive = move || {
        let count = consumer.pop_slice(&mut buf);
        for message in &buf[..count] {
            black_box(message);
        }
        count
    };
    stream(book, "batch.ringbuf", pair, MESSAGES, send, receive)
}
