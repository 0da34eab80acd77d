//! The node without the client library: what a program could ask that ours does not.
#![allow(unsafe_code)]

use std::arch::asm;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::ptr::null_mut;

use offsched_abi::load::{self, Load};
use offsched_abi::node::{Bind, CoreStatus, call};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::ioctl::{Getter, NoArg, Opcode, Setter, Updater, ioctl, opcode};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect, munmap};

use crate::rig::NODE;

const ATTACH: Opcode = opcode::read_write::<u32>(call::TYPE, call::ATTACH);
const LOAD: Opcode = opcode::write::<Load>(call::TYPE, load::call::LOAD);
const STATUS: Opcode = opcode::read::<CoreStatus>(call::TYPE, call::STATUS);
const BIND: Opcode = opcode::read_write::<Bind>(call::TYPE, call::BIND);
const CLOSE: Opcode = opcode::none(call::TYPE, call::CLOSE);
const RING: Opcode = opcode::none(call::TYPE, call::RING);

/// A new handle.
pub fn open(flags: OFlags) -> Result<OwnedFd, Errno> {
    rustix::fs::open(NODE, flags | OFlags::CLOEXEC, Mode::empty())
}

pub fn attach(handle: impl AsFd, mut cpu: u32) -> Result<u32, Errno> {
    // SAFETY: the call reads and writes the u32.
    unsafe { ioctl(handle, Updater::<ATTACH, u32>::new(&mut cpu)) }?;
    Ok(cpu)
}

/// Loads an image. Addresses in it may be anything.
pub fn load(handle: impl AsFd, load: &Load) -> Result<(), Errno> {
    // SAFETY: the call reads the structure and what it points to, and answers for whether it can.
    unsafe { ioctl(handle, Setter::<LOAD, Load>::new(*load)) }
}

pub fn status(handle: impl AsFd) -> Result<CoreStatus, Errno> {
    // SAFETY: the call writes the structure.
    unsafe { ioctl(handle, Getter::<STATUS, CoreStatus>::new()) }
}

pub fn bind(handle: impl AsFd, bind: &mut Bind) -> Result<(), Errno> {
    // SAFETY: the call reads and writes the structure.
    unsafe { ioctl(handle, Updater::<BIND, Bind>::new(bind)) }
}

pub fn ring(handle: impl AsFd) -> Result<(), Errno> {
    // SAFETY: the call takes no argument.
    unsafe { ioctl(handle, NoArg::<RING>::new()) }
}

/// A child with copies of all descriptors, which sleeps until it is killed: its number.
pub fn fork() -> Result<u32, Errno> {
    // SAFETY: of this program's threads the child has this one, which calls what may be called in a signal handler too.
    match unsafe { libc::fork() } {
        0 => loop {
            // SAFETY: the call takes nothing.
            unsafe { libc::pause() };
        },
        pid => u32::try_from(pid).map_err(|_| Errno::AGAIN),
    }
}

/// Closes the channel, and keeps the handle.
pub fn close(handle: impl AsFd) -> Result<(), Errno> {
    // SAFETY: the call takes no argument.
    unsafe { ioctl(handle, NoArg::<CLOSE>::new()) }
}

/// Turns that a processor gives to the others of an emulated machine, so that the core has done what it was rung for.
const TURNS: u32 = 64;

/// Writes a message, and lets the core take it; the counter as the last instruction before it had it.
///
/// Written out, as [`read_stamped`], so that no build of this program takes longer than another.
pub fn write_stamped(handle: impl AsFd, message: &[u8]) -> (Result<usize, Errno>, u64) {
    let (result, low, high): (isize, u64, u64);
    // SAFETY: the kernel reads `message`; a system call spares all but the registers that are named.
    unsafe {
        asm!(
            "rdtsc",
            "mov {low}, rax",
            "mov {high}, rdx",
            "mov eax, {write}",
            "mov rdx, {bytes}",
            "syscall",
            "mov ecx, {turns}",
            "2:",
            "pause",
            "dec ecx",
            "jnz 2b",
            low = out(reg) low,
            high = out(reg) high,
            write = const libc::SYS_write,
            turns = const TURNS,
            bytes = in(reg) message.len(),
            in("rdi") handle.as_fd().as_raw_fd(),
            in("rsi") message.as_ptr(),
            out("rax") result,
            out("rdx") _,
            out("rcx") _,
            out("r11") _,
        );
    }
    (of_call(result), high << 32 | low)
}

/// Reads a message; the counter as the first instruction behind it had it.
pub fn read_stamped(handle: impl AsFd, message: &mut [u8]) -> (Result<usize, Errno>, u64) {
    let (result, low, high): (isize, u64, u64);
    // SAFETY: the kernel writes `message`; a system call spares all but the registers that are named.
    unsafe {
        asm!(
            "syscall",
            "mov {result}, rax",
            "rdtsc",
            result = lateout(reg) result,
            inlateout("rax") libc::SYS_read => low,
            in("rdi") handle.as_fd().as_raw_fd(),
            in("rsi") message.as_mut_ptr(),
            inlateout("rdx") message.len() => high,
            out("rcx") _,
            out("r11") _,
        );
    }
    (of_call(result), high << 32 | low)
}

/// What a system call itself returns: a length, or an error below zero.
fn of_call(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| Errno::from_raw_os_error(-result as i32))
}

/// A length, or what the call has left as its error.
fn told(result: isize) -> Result<usize, Errno> {
    let error = std::io::Error::last_os_error();
    usize::try_from(result).map_err(|_| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// A mapping, until dropped.
#[derive(Debug)]
pub struct Mapping {
    base: *mut u8,
    bytes: usize,
}

impl Mapping {
    pub fn new(
        handle: impl AsFd,
        offset: u64,
        bytes: usize,
        access: ProtFlags,
        flags: MapFlags,
    ) -> Result<Self, Errno> {
        // SAFETY: a new mapping, which nothing else uses.
        let base = unsafe { mmap(null_mut(), bytes, access, flags, handle, offset) }?;
        Ok(Self {
            base: base.cast(),
            bytes,
        })
    }

    /// Asks for leave to write.
    pub fn make_writable(&self) -> Result<(), Errno> {
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: of this mapping only.
        unsafe { mprotect(self.base.cast(), self.bytes, access) }
    }

    /// Asks for leave to run what is there.
    pub fn make_executable(&self) -> Result<(), Errno> {
        let access = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: of this mapping only.
        unsafe { mprotect(self.base.cast(), self.bytes, access) }
    }

    /// Reads a byte, which must be mapped.
    pub fn byte(&self, at: usize) -> u8 {
        assert!(at < self.bytes);
        // SAFETY: within the mapping.
        unsafe { self.base.add(at).read_volatile() }
    }

    /// Writes a byte, which must be mapped for it.
    pub fn set_byte(&self, at: usize, byte: u8) {
        assert!(at < self.bytes);
        // SAFETY: within the mapping.
        unsafe { self.base.add(at).write_volatile(byte) };
    }

    /// Lets the kernel write the memory's first bytes as one message.
    pub fn write_to(&self, handle: impl AsFd, bytes: usize) -> Result<usize, Errno> {
        assert!(bytes <= self.bytes);
        let handle = handle.as_fd().as_raw_fd();
        // SAFETY: the kernel answers for what it reads, which is mapped or not.
        told(unsafe { libc::write(handle, self.base.cast(), bytes) })
    }

    /// Lets the kernel read a message into `front`, then into the memory.
    pub fn read_from(&self, handle: impl AsFd, front: &mut [u8]) -> Result<usize, Errno> {
        let piece = |base, len| libc::iovec {
            iov_base: base,
            iov_len: len,
        };
        let pieces = [
            piece(front.as_mut_ptr().cast(), front.len()),
            piece(self.base.cast(), self.bytes),
        ];
        let handle = handle.as_fd().as_raw_fd();
        // SAFETY: two pieces: one is borrowed, of the other the kernel answers for what it writes, mapped or not.
        told(unsafe { libc::readv(handle, pieces.as_ptr(), 2) })
    }

    /// Lets the kernel read the memory, into a pipe's pages.
    pub fn splice_into(&self, pipe: impl AsFd) -> Result<usize, Errno> {
        // SAFETY: within the mapping; the kernel answers for what it reads.
        let bytes = unsafe { std::slice::from_raw_parts(self.base, 4096) };
        let piece = rustix::pipe::IoSliceRaw::from_slice(bytes);
        // SAFETY: the memory outlives the pipe's use of it, or is the drill's loss.
        unsafe { rustix::pipe::vmsplice(pipe, &[piece], rustix::pipe::SpliceFlags::empty()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this mapping's own range.
        let _ = unsafe { munmap(self.base.cast(), self.bytes) };
    }
}
