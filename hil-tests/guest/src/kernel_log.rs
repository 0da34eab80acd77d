//! The kernel's log, from here on.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

/// Warnings, oopses, stalls, interrupts that found nobody, and what follows them.
const BAD: [&str; 11] = [
    "WARNING:",
    "BUG:",
    "Oops",
    "Call Trace",
    "INFO: task",
    "detected stall",
    "No irq handler for vector",
    "unchecked MSR access",
    "nobody cared",
    "UBSAN",
    "general protection",
];
/// Longer than any record.
const RECORD: usize = 8192;

/// A reader of the kernel's log; of nothing, where it may not be read.
pub struct KernelLog {
    records: Option<File>,
}

impl KernelLog {
    pub fn open() -> Self {
        let mut records = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/kmsg")
            .ok();
        // Behind the last record.
        if let Some(file) = &mut records {
            let _ = file.seek(SeekFrom::End(0));
        }
        Self { records }
    }

    /// What the kernel said since the last call, as far as it is a complaint.
    pub fn complaints(&mut self) -> String {
        let all = self.read();
        let bad = all
            .lines()
            .filter(|line| BAD.iter().any(|word| line.contains(word)));
        bad.collect::<Vec<_>>().join("\n")
    }

    /// One record a call: `LEVEL,NUMBER,TIME,FLAGS;TEXT`.
    fn read(&mut self) -> String {
        let mut text = String::new();
        let Some(file) = &mut self.records else {
            return text;
        };
        let mut record = [0; RECORD];
        loop {
            match file.read(&mut record) {
                Ok(0) => return text,
                Ok(bytes) => {
                    text += &String::from_utf8_lossy(&record[..bytes]);
                    text.push('\n');
                }
                // Some were overwritten: on with the oldest left.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                Err(_) => return text,
            }
        }
    }
}
