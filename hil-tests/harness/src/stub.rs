//! QEMU's stub for debuggers: a processor, step by step.
//!
//! The remote protocol of GDB: `$packet#sum`, answered by `+` and a packet of the same form (GDB manual, appendix E).

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};

/// A stub that does not answer for so long has lost its machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of memory in one packet.
const CHUNK: usize = 512;
/// Where the instruction pointer is among the 64-bit registers of a `g` packet.
const RIP: usize = 16;
/// Hexadecimal digits of a register.
const DIGITS: usize = 16;

/// A machine's stub.
pub struct Stub {
    stream: BufReader<UnixStream>,
    /// QEMU's end, until QEMU has been started with it.
    _theirs: UnixStream,
}

impl Stub {
    /// Gives QEMU, which is about to start, a stub; the machine waits for it.
    pub fn attach(command: &mut Command) -> Result<Self, String> {
        let wrong = |error| format!("no socket for the stub: {error}");
        let (ours, theirs) = UnixStream::pair().map_err(wrong)?;
        // To be inherited; everything else here is not.
        fcntl_setfd(&theirs, FdFlags::empty()).map_err(|error| wrong(error.into()))?;
        ours.set_read_timeout(Some(PATIENCE)).map_err(wrong)?;
        let socket = format!("socket,id=stub,fd={}", theirs.as_raw_fd());
        command.args(["-chardev", &socket, "-gdb", "chardev:stub", "-S"]);
        Ok(Self {
            stream: BufReader::new(ours),
            _theirs: theirs,
        })
    }

    /// Runs until the processor comes to a linear address.
    pub fn run_to(&mut self, address: u64) -> Result<(), String> {
        self.done(&format!("Z1,{address:x},1"))?;
        self.ask("c")?;
        self.done(&format!("z1,{address:x},1"))
    }

    /// Executes one instruction.
    pub fn step(&mut self) -> Result<(), String> {
        self.ask("s").map(|_| ())
    }

    /// Runs on; nobody is told of its end.
    pub fn go(&mut self) -> Result<(), String> {
        self.send("c")
    }

    /// The instruction pointer: in real mode within its segment.
    pub fn place(&mut self) -> Result<u64, String> {
        let registers = self.ask("g")?;
        let digits = registers.get(RIP * DIGITS..(RIP + 1) * DIGITS);
        // Little endian, two digits a byte.
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(u64::swap_bytes)
            .ok_or_else(|| format!("the stub's registers: {registers}"))
    }

    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), String> {
        for (at, chunk) in (address..).step_by(CHUNK).zip(bytes.chunks(CHUNK)) {
            let digits: String = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            self.done(&format!("M{at:x},{:x}:{digits}", chunk.len()))?;
        }
        Ok(())
    }

    fn done(&mut self, packet: &str) -> Result<(), String> {
        match self.ask(packet)?.as_str() {
            "OK" => Ok(()),
            answer => Err(format!("the stub, told `{packet}`, says {answer:?}")),
        }
    }

    fn ask(&mut self, packet: &str) -> Result<String, String> {
        self.send(packet)?;
        self.answer().map_err(lost)
    }

    fn send(&mut self, packet: &str) -> Result<(), String> {
        let sum = packet.bytes().fold(0u8, u8::wrapping_add);
        write!(self.stream.get_mut(), "${packet}#{sum:02x}").map_err(lost)
    }

    fn answer(&mut self) -> std::io::Result<String> {
        let (mut before, mut packet, mut sum) = (Vec::new(), Vec::new(), [0; 2]);
        self.stream.read_until(b'$', &mut before)?;
        self.stream.read_until(b'#', &mut packet)?;
        self.stream.read_exact(&mut sum)?;
        self.stream.get_mut().write_all(b"+")?;
        packet.pop();
        Ok(String::from_utf8_lossy(&packet).into_owned())
    }
}

fn lost(error: std::io::Error) -> String {
    format!("the stub: {error}")
}
