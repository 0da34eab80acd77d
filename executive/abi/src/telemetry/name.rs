//! A task's name, where its telemetry is: so that whoever reads the figures
//! knows whose they are without having the image.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a task's name; a longer one is cut.
pub const TASK_NAME_BYTES: usize = 48;
/// Words of a [`TaskName`].
pub const TASK_NAME_WORDS: usize = TASK_NAME_BYTES / 8;

/// A name that the core writes before the first job: UTF-8, little endian, padded with zeros.
#[repr(C)]
#[derive(Debug, Default)]
pub struct TaskName {
    words: [AtomicU64; TASK_NAME_WORDS],
}

impl TaskName {
    /// Writes the name; what is too long is cut at a character. One writer, before the core runs.
    pub fn set(&self, name: &str) {
        let mut end = name.len().min(TASK_NAME_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = [0; TASK_NAME_BYTES];
        bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
        for (word, part) in self.words.iter().zip(bytes.as_chunks().0) {
            word.store(u64::from_le_bytes(*part), Relaxed);
        }
    }

    /// A copy of the name.
    pub fn get(&self) -> TaskNameText {
        let mut bytes = [0; TASK_NAME_BYTES];
        for (word, part) in self.words.iter().zip(bytes.as_chunks_mut().0) {
            *part = word.load(Relaxed).to_le_bytes();
        }
        TaskNameText { bytes }
    }
}

/// A copy of a task's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TaskNameText {
    bytes: [u8; TASK_NAME_BYTES],
}

impl TaskNameText {
    /// The name up to its padding, or up to the first byte that is not UTF-8; empty if none was written.
    pub fn as_str(&self) -> &str {
        let text = self.bytes.split(|byte| *byte == 0).next();
        let text = text.unwrap_or_default();
        match core::str::from_utf8(text) {
            Ok(name) => name,
            Err(error) => core::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for TaskNameText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    fn written(name: &str) -> TaskNameText {
        let field = TaskName::default();
        field.set("an older and longer one");
        field.set(name);
        field.get()
    }

    #[test]
    fn a_name_is_read_as_written() {
        let longest = "a_task_whose_name_is_exactly_as_long_as_may_be__";
        assert_eq!(longest.len(), TASK_NAME_BYTES);
        for name in ["timer.tick", "", longest] {
            assert_eq!(written(name).as_str(), name);
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let even = "ä".repeat(30);
        assert_eq!(written(&even).as_str(), "ä".repeat(24));
        let odd = std::format!("x{even}");
        assert_eq!(written(&odd).as_str(), std::format!("x{}", "ä".repeat(23)));
    }

    #[test]
    fn what_is_no_text_ends_the_name() {
        let field = TaskName::default();
        field.words[0].store(u64::from_le_bytes(*b"ab\xffcdefg"), Relaxed);
        assert_eq!(field.get().as_str(), "ab");
    }
}
