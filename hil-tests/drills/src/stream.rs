//! A service for many clients that sends back what it gets, and messages that show whether they are whole. It counts its
//! clients, and tells who asks.
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

/// The number of no stream's message.
const HISTORY: u64 = u64::MAX;

impl Message {
    /// The message of that number in a stream.
    pub fn new(stream: u64, number: u64) -> Self {
        let body = core::array::from_fn(|at| mix(stream ^ mix(number) ^ at as u64));
        Self::of(stream, number, body)
    }

    fn of(stream: u64, number: u64, body: [u64; 5]) -> Self {
        Self {
            number,
            stream,
            body,
            sum: sum(stream, number, &body),
        }
    }

    /// How many clients came, and how many of them went: as a question, and as its answer.
    pub fn history(came: u64, went: u64) -> Self {
        Self::of(0, HISTORY, [came, went, 0, 0, 0])
    }

    /// What such an answer says.
    pub fn came_and_went(&self) -> Option<[u64; 2]> {
        (self.number == HISTORY && self.whole()).then_some([self.body[0], self.body[1]])
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

    /// What the service has seen.
    #[local]
    struct Local {
        came: u64,
        went: u64,
    }

    #[channels]
    struct Channels {
        #[channel(clients = 64, ring = 4096)]
        stream: Channel<Message, Message>,
    }

    #[init]
    fn init(_: init::Context) -> Local {
        Local { came: 0, went: 0 }
    }

    /// An honest client leaves room for its answers; what finds none is its own loss.
    #[task(priority = 1, channel = stream, local = [came, went])]
    fn answer(mut cx: answer::Context) {
        let (came, went) = (cx.local.came, cx.local.went);
        cx.channels.stream.lock(|stream| {
            for _ in 0..MAIL_PER_JOB {
                match stream.recv() {
                    Some(Mail::Message(from, message)) => {
                        let asked = message.came_and_went().is_some();
                        let history = asked.then(|| Message::history(*came, *went));
                        let _ = stream.send(from, &history.unwrap_or(message));
                    }
                    Some(Mail::Opened(_)) => *came += 1,
                    Some(Mail::Closed(_)) => *went += 1,
                    Some(Mail::Bad(_)) => {}
                    None => return,
                }
            }
        });
    }
}
