//! A service for many clients that sends back what it gets, and messages that show whether they are whole.
//!
//! Runs hosted too: the clients' drills (`hil-tests/clients`) are the same on both.

pub use app::App;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// One message of a numbered stream.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    offsched::Message,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct Message {
    /// Place in the stream, from 0.
    pub number: u64,
    /// Whose stream: no two are alike.
    pub stream: u64,
    body: [u64; 5],
    sum: u64,
}

impl Message {
    /// The message of that number in a stream.
    pub fn new(stream: u64, number: u64) -> Self {
        let body = core::array::from_fn(|at| mix(stream ^ mix(number) ^ at as u64));
        Self {
            number,
            stream,
            body,
            sum: sum(stream, number, &body),
        }
    }

    /// False if any of its bytes is not as it was made.
    pub fn whole(&self) -> bool {
        self.sum == sum(self.stream, self.number, &self.body)
    }
}

fn sum(stream: u64, number: u64, body: &[u64; 5]) -> u64 {
    body.iter().fold(
        mix(stream).wrapping_add(number),
        |sum, word| mix(sum ^ word),
    )
}

/// A seeded scramble of a word (Steele, Lea & Flood 2014, "splitmix").
pub fn mix(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The app.
#[offsched::app]
pub mod app {
    use super::Message;
    use offsched::{Channel, Mail, Mutex as _};

    /// Pieces of mail in one job; the rest releases it again.
    const MAIL_PER_JOB: usize = 16;

    #[channels]
    struct Channels {
        #[channel(clients = 64, ring = 4096)]
        stream: Channel<Message, Message>,
    }

    #[init]
    fn init(_: init::Context) {}

    /// An honest client leaves room for its answers; what finds none is its own loss.
    #[task(priority = 1, channel = stream)]
    fn answer(mut cx: answer::Context) {
        cx.channels.stream.lock(|stream| {
            for _ in 0..MAIL_PER_JOB {
                match stream.recv() {
                    Some(Mail::Message(from, message)) => {
                        let _ = stream.send(from, &message);
                    }
                    Some(_) => {}
                    None => return,
                }
            }
        });
    }
}
