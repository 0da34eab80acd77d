//! A numbered stream of messages, of which some are under way.

use offsched_client::Channel;
use offsched_drills::stream::{Message, mix};
use zerocopy::FromBytes as _;

use crate::message::check;

/// Messages under way at most: their answers fit the ring.
const WINDOW: u64 = 16;

/// One application's stream over one channel.
pub struct Stream {
    id: u64,
    sent: u64,
    got: u64,
}

impl Stream {
    /// A stream like no other.
    pub fn new(channel: &Channel) -> Self {
        Self {
            id: mix((u64::from(std::process::id()) << 32) | channel.index() as u64),
            sent: 0,
            got: 0,
        }
    }

    /// The next message to send; none while enough are under way.
    pub fn next(&self) -> Option<Message> {
        (self.sent < self.got + WINDOW).then(|| Message::new(self.id, self.sent))
    }

    /// The next message was sent.
    pub fn sent(&mut self) {
        self.sent += 1;
    }

    /// Messages that came back.
    pub fn got(&self) -> u64 {
        self.got
    }

    /// True if none is under way.
    pub fn idle(&self) -> bool {
        self.sent == self.got
    }

    /// Checks the next answer.
    ///
    /// # Errors
    /// A sentence: what is wrong with it.
    pub fn take(&mut self, answer: &[u8]) -> Result<(), String> {
        let message = Message::read_from_bytes(answer)
            .map_err(|_| format!("message {} has {} bytes", self.got, answer.len()))?;
        check(&message, self.id, self.got)?;
        self.got += 1;
        Ok(())
    }

    /// What to say when the next answer does not come.
    pub fn late(&self) -> String {
        format!("message {} of {} did not come back", self.got, self.sent)
    }
}
