//! Messages that show whether they are whole, and whose they are.

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
        let body = std::array::from_fn(|at| mix(stream ^ mix(number) ^ at as u64));
        Self {
            number,
            stream,
            body,
            sum: sum(stream, number, &body),
        }
    }

    /// Says what is wrong with what came in the place of number `number`.
    ///
    /// # Errors
    /// A sentence: damaged, somebody else's, lost, or there twice.
    pub fn check(&self, stream: u64, number: u64) -> Result<(), String> {
        if self.sum != sum(self.stream, self.number, &self.body) {
            return Err(format!("message {number} is damaged: {self:x?}"));
        }
        if self.stream != stream {
            return Err(format!("message {number} is of stream {:x}", self.stream));
        }
        match self.number.cmp(&number) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err(format!("message {} came again", self.number)),
            std::cmp::Ordering::Greater => Err(format!("messages from {number} on were lost")),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let good = Message::new(7, 3);
        assert_eq!(good.check(7, 3), Ok(()));
        assert!(good.check(8, 3).is_err_and(|text| text.contains("stream")));
        assert!(good.check(7, 2).is_err_and(|text| text.contains("lost")));
        assert!(good.check(7, 4).is_err_and(|text| text.contains("again")));
        let mut torn = good;
        torn.body[4] ^= 1;
        assert!(torn.check(7, 3).is_err_and(|text| text.contains("damaged")));
    }
}
