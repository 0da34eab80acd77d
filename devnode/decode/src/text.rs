//! Text of an image's on a terminal.

/// The text without what could steer a terminal: control characters other than
/// the end of a line become escapes.
pub fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_sent() {
        assert_eq!(printable("a\n\x1b[2Jb\u{9b}"), "a\n\\u{1b}[2Jb\\u{9b}");
    }
}
