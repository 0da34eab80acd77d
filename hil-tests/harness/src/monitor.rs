//! QEMU's monitor: looks into a guest from outside, whatever its kernel does.
//!
//! QEMU Machine Protocol: one JSON object a line; answers have `return` or
//! `error`, everything else is an event.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use serde_json::{Value, json};

/// A monitor that does not answer for so long has lost its guest.
const PATIENCE: Duration = Duration::from_secs(30);
/// The guest's memory below the video memory's hole: the first MiB's RAM.
const LOW_BYTES: u64 = 0xa_0000;
const PAGE: usize = 4096;

/// A guest's monitor.
pub struct Monitor {
    stream: BufReader<UnixStream>,
    /// QEMU's end, until QEMU has it.
    theirs: Option<UnixStream>,
    /// Where QEMU writes memory to.
    dump: PathBuf,
}

impl Monitor {
    /// Gives QEMU, which is about to start, a monitor.
    pub fn attach(command: &mut Command, work: &Path) -> Result<Self, String> {
        let wrong = |error| format!("no socket for the monitor: {error}");
        let (ours, theirs) = UnixStream::pair().map_err(wrong)?;
        // To be inherited; everything else here is not.
        fcntl_setfd(&theirs, FdFlags::empty()).map_err(|error| wrong(error.into()))?;
        ours.set_read_timeout(Some(PATIENCE)).map_err(wrong)?;
        let socket = format!("socket,id=monitor,fd={}", theirs.as_raw_fd());
        command.args(["-chardev", &socket, "-mon", "chardev=monitor,mode=control"]);
        Ok(Self {
            stream: BufReader::new(ours),
            theirs: Some(theirs),
            dump: work.join("memory"),
        })
    }

    /// Which pages of the first MiB's RAM hold anything: one character each, 1 or 0.
    pub fn low_pages(&mut self) -> Result<String, String> {
        let arguments = json!({ "val": 0, "size": LOW_BYTES, "filename": self.dump });
        self.execute("pmemsave", arguments)?;
        let memory =
            fs::read(&self.dump).map_err(|error| format!("{}: {error}", self.dump.display()))?;
        let used = |page: &[u8]| page.iter().any(|byte| *byte != 0);
        Ok(memory
            .chunks(PAGE)
            .map(|page| if used(page) { '1' } else { '0' })
            .collect())
    }

    /// A word of a processor's memory, by its own tables.
    pub fn word(&mut self, cpu: u32, address: u64) -> Result<u64, String> {
        let answer = self.line(cpu, &format!("x /1gx {address:#x}"))?;
        answer
            .split_once(": 0x")
            .and_then(|(_, digits)| u64::from_str_radix(digits.trim(), 16).ok())
            .ok_or_else(|| format!("the monitor, asked for {address:#x}, says {answer}"))
    }

    /// Raises an uncorrected machine check on a processor: bank 1, valid, enabled, context corrupt
    /// (Intel SDM vol. 3B, 16.3.2.2; MCG_STATUS: restart not possible, error valid, in progress).
    pub fn machine_check(&mut self, cpu: u32) -> Result<(), String> {
        let line = format!("mce {cpu} 1 0xb200000000000000 0x6 0 0");
        match self.line(cpu, &line)? {
            answer if answer.is_empty() => Ok(()),
            answer => Err(format!("the monitor, told `{line}`, says {answer}")),
        }
    }

    /// Sends an NMI to every processor that firmware has prepared for one.
    pub fn nmi(&mut self) -> Result<(), String> {
        self.execute("inject-nmi", json!({})).map(|_| ())
    }

    /// True if a processor waits for a start-up IPI, as INIT leaves it (Intel SDM vol. 3A, 10.1.1: at the reset vector),
    /// and not as Linux or an image would halt it.
    pub fn parked(&mut self, cpu: u32) -> Result<bool, String> {
        let registers = self.line(cpu, "info registers")?;
        let has = |word: &str| registers.split_whitespace().any(|found| found == word);
        Ok(has("HLT=1") && has("EIP=0000fff0"))
    }

    /// A line for the monitor's human side, where only that one has the command; about a processor.
    fn line(&mut self, cpu: u32, line: &str) -> Result<String, String> {
        let arguments = json!({ "command-line": line, "cpu-index": cpu });
        let answer = self.execute("human-monitor-command", arguments)?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }

    fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        if self.theirs.take().is_some() {
            // The greeting comes first; it wants to be answered.
            self.read()?;
            self.ask(json!({ "execute": "qmp_capabilities" }))?;
        }
        self.ask(json!({ "execute": command, "arguments": arguments }))
    }

    fn ask(&mut self, question: Value) -> Result<Value, String> {
        writeln!(self.stream.get_mut(), "{question}").map_err(lost)?;
        loop {
            let mut answer = self.read()?;
            if let Some(error) = answer.get("error") {
                return Err(format!("the monitor refuses {question}: {error}"));
            }
            if let Some(result) = answer.get_mut("return") {
                return Ok(result.take());
            }
        }
    }

    fn read(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => Err("QEMU has closed its monitor".to_owned()),
            Ok(_) => serde_json::from_str(&line).map_err(|error| format!("{line}: {error}")),
            Err(error) => Err(lost(error)),
        }
    }
}

fn lost(error: std::io::Error) -> String {
    format!("the monitor: {error}")
}
