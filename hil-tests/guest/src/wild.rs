//! System calls as they are, with arguments that no wrapper would let through.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr::null_mut;

use libc::{c_int, c_ulong};

/// Memory that the kernel may read and write on behalf of wrong arguments.
pub struct Arena {
    base: *mut libc::c_void,
}

impl Arena {
    pub const BYTES: usize = 16 * 4096;

    /// New memory, with nothing mapped right behind it.
    pub fn new() -> Self {
        // SAFETY: a new anonymous mapping; the second call takes its last page away again.
        unsafe {
            let base = libc::mmap(
                null_mut(),
                Self::BYTES + 4096,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert!(base != libc::MAP_FAILED, "no memory for the arena");
            libc::munmap(base.byte_add(Self::BYTES), 4096);
            Self { base }
        }
    }

    pub fn address(&self) -> usize {
        self.base.addr()
    }

    /// Writes 8 bytes at an offset.
    pub fn put(&mut self, offset: usize, value: u64) {
        assert!(offset + 8 <= Self::BYTES);
        // SAFETY: within the mapping, which nothing in Rust refers to; any alignment.
        unsafe {
            self.base
                .byte_add(offset)
                .cast::<u64>()
                .write_unaligned(value)
        };
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, used by nobody any more.
        unsafe { libc::munmap(self.base, Self::BYTES) };
    }
}

/// A call's result: what it returned, or its errno.
pub type Answer = Result<i64, i32>;

fn answer(returned: i64) -> Answer {
    if returned >= 0 {
        Ok(returned)
    } else {
        Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

/// Where an argument points to: never to memory that Rust uses.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// Into the arena, or up to its end and beyond.
    Arena(&'a Arena, usize),
    /// An address where a program has nothing: the first page, the kernel's half, neither half.
    Wild(u64),
}

impl Place<'_> {
    fn address(self) -> usize {
        match self {
            Self::Arena(arena, offset) => arena.address() + offset.min(Arena::BYTES),
            Self::Wild(address) if !(4096..1 << 47).contains(&address) => address as usize,
            Self::Wild(_) => 0,
        }
    }

    fn pointer(self) -> *mut libc::c_void {
        std::ptr::with_exposed_provenance_mut(self.address())
    }
}

/// `ioctl`.
pub fn ioctl(file: &File, command: u32, argument: Place<'_>) -> Answer {
    // SAFETY: whatever the command, the kernel reads and writes at the argument or at what the arena says, and both are
    // the arena or nothing of this program's.
    answer(i64::from(unsafe {
        libc::ioctl(file.as_raw_fd(), c_ulong::from(command), argument.address())
    }))
}

/// `read`, up to the arena's end.
pub fn read(file: &File, to: Place<'_>, bytes: usize) -> Answer {
    // SAFETY: the kernel writes to the arena or fails: behind it nothing is mapped.
    answer(unsafe { libc::read(file.as_raw_fd(), to.pointer(), bytes) } as i64)
}

/// `write`.
pub fn write(file: &File, from: Place<'_>, bytes: usize) -> Answer {
    // SAFETY: the kernel only reads.
    answer(unsafe { libc::write(file.as_raw_fd(), from.pointer(), bytes) } as i64)
}

/// `poll` that does not wait.
pub fn poll(file: &File, events: i16) -> Answer {
    let mut entry = libc::pollfd {
        fd: file.as_raw_fd(),
        events,
        revents: 0,
    };
    // SAFETY: one entry, which lives through the call.
    answer(i64::from(unsafe { libc::poll(&raw mut entry, 1, 0) }))
}

/// `mmap` somewhere new; what was mapped is looked at if it can be read, and unmapped.
pub fn map(file: &File, bytes: usize, protection: c_int, flags: c_int, offset: i64) -> Answer {
    // SAFETY: MAP_FIXED is not among the flags, so the mapping is a new one. Its first byte is there if the call
    // succeeded with a length: the module maps whole ranges or fails.
    unsafe {
        let flags = flags & !(libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE);
        let base = libc::mmap(
            null_mut(),
            bytes,
            protection,
            flags,
            file.as_raw_fd(),
            offset,
        );
        if base == libc::MAP_FAILED {
            return answer(-1);
        }
        if protection & libc::PROT_READ != 0 {
            base.cast::<u8>().read_volatile();
        }
        libc::munmap(base, bytes);
        Ok(0)
    }
}
