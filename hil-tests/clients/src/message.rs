//! What comes back, against what was sent.

use std::cmp::Ordering;

use offsched_drills::stream::Message;

/// Says what is wrong with what came in the place of number `number`.
///
/// # Errors
/// A sentence: damaged, somebody else's, lost, or there twice.
pub fn check(message: &Message, stream: u64, number: u64) -> Result<(), String> {
    if !message.whole() {
        return Err(format!("message {number} is damaged: {message:x?}"));
    }
    if message.stream != stream {
        return Err(format!(
            "message {number} is of stream {:x}",
            message.stream
        ));
    }
    match message.number.cmp(&number) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(format!("message {} came again", message.number)),
        Ordering::Greater => Err(format!("messages from {number} on were lost")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocopy::IntoBytes;

    #[test]
    fn what_is_wrong_is_named() {
        let good = Message::new(7, 3);
        let says = |message: &Message, stream, number, word: &str| {
            check(message, stream, number).is_err_and(|text| text.contains(word))
        };
        assert_eq!(check(&good, 7, 3), Ok(()));
        assert!(says(&good, 8, 3, "stream"));
        assert!(says(&good, 7, 2, "lost"));
        assert!(says(&good, 7, 4, "again"));
        let mut torn = good;
        torn.as_mut_bytes()[50] ^= 1;
        assert!(says(&torn, 7, 3, "damaged"));
    }
}
