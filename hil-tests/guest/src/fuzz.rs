//! Random calls of the node, by nobody and by root, beside a core that runs:
//! nothing of it may bring a warning of the kernel's or hurt the core.
//!
//! Root may load images, which is to hand out ring 0; so what root loads here
//! has random places and sizes, but its code only halts.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use offsched_abi::node::{Bind, call};
use offsched_abi::region::name_bytes;
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::case::Case;
use crate::rig::{NODE, Rig};
use crate::rights::{KIND, LOAD, as_nobody};
use crate::wild::{Answer, Arena, Place, ioctl, map, poll, read, write};

/// Handles in use at once.
const HANDLES: usize = 8;
/// Where root's images and their segments' list are in the arena.
const IMAGE: usize = 0;
const SEGMENTS: usize = 4096;
const CODE: usize = 2 * 4096;
/// Where a message to the echo, all zero, and a binding to it are.
const MESSAGE: usize = 3 * 4096;
const BINDING: usize = 4 * 4096;
const MESSAGE_BYTES: usize = 32;
/// Calls between two words about how far a fuzzer is: root's offloads a CPU now and then, so a million of its calls take long.
const SAID: u32 = 10_000;
/// HLT, eight times.
const HALTS: u64 = 0xf4f4_f4f4_f4f4_f4f4;
const BIND: u32 = 3 << 30 | (size_of::<Bind>() as u32) << 16 | KIND << 8 | call::BIND as u32;
const START: u32 = 2;
const RETURN: u32 = 4;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("nobody fuzzes the node", nobody),
        Case::new("root fuzzes the node", root).with_cpus(3),
    ]
}

/// Beside a core that runs.
fn nobody(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    as_nobody(rig, "nobody-fuzzes")?;
    core.check_alive()?;
    core.give_back()?;
    rig.check_returned()
}

/// The calls, in the process that is nobody.
pub fn as_nobody_here(rig: &Rig) -> Outcome {
    Fuzzer::new(rig, None)?.run(rig.calls)
}

/// Root's calls are about another CPU than the core's.
fn root(rig: &Rig) -> Outcome {
    let core = rig.start("steady")?;
    let other = rig.on(rig.cpu + 1);
    Fuzzer::new(&other, Some(other.cpu))?.run(rig.calls)?;
    core.check_alive()?;
    core.give_back()?;
    // Whatever it left there: loaded, offloaded or nothing.
    let device = other.device()?;
    let _ = device.give_back();
    other.check_returned()
}

/// xorshift64*: the same numbers for the same seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<T: Copy, const N: usize>(&mut self, all: [T; N]) -> T {
        all[self.below(N as u64) as usize]
    }

    /// A number that is more likely at an edge than anywhere else.
    fn edge(&mut self) -> u64 {
        let around = self.one_of([
            0,
            1,
            0x1000,
            0x4000_0000,
            0x6000_0000,
            0x6020_0000,
            1 << 32,
            1 << 47,
            u64::MAX,
        ]);
        match self.below(4) {
            0 => around,
            1 => around.wrapping_add(0x1000),
            2 => around.wrapping_sub(0x1000),
            _ => around ^ self.below(0x1_0000),
        }
    }
}

struct Fuzzer {
    numbers: Numbers,
    arena: Arena,
    handles: Vec<File>,
    /// What loads are about; `None`: they are not allowed, so anything goes.
    loads_for: Option<u32>,
    /// Loads and maps that the module took.
    taken: u32,
}

impl Fuzzer {
    fn new(rig: &Rig, loads_for: Option<u32>) -> Result<Self, String> {
        let mut numbers = Numbers(rig.seed.max(1));
        let handles = (0..HANDLES)
            .map(|_| open(&mut numbers))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            numbers,
            arena: Arena::new(),
            handles,
            loads_for,
            taken: 0,
        })
    }

    fn run(&mut self, calls: u32) -> Outcome {
        for number in 1..=calls {
            self.call()?;
            if number.is_multiple_of(SAID) {
                println!("round {number} of {calls}");
            }
        }
        // Random calls that are all refused at the first look try nothing.
        if self.loads_for.is_some() && self.taken == 0 {
            return Err(format!("not one load or map of {calls} calls succeeded"));
        }
        Ok(())
    }

    /// One call; what it answers is the kernel's business.
    fn call(&mut self) -> Outcome {
        let which = self.numbers.below(HANDLES as u64) as usize;
        let bytes = self.numbers.below(Arena::BYTES as u64) as usize;
        let kind = self.numbers.below(20);
        let answer: Answer = match kind {
            0 => {
                self.handles[which] = open(&mut self.numbers)?;
                Ok(0)
            }
            1 | 2 => self.map(which),
            3 => {
                let place = place(&mut self.numbers, &self.arena);
                read(&self.handles[which], place, bytes)
            }
            4 => self.send(which),
            // Bound to the core beside us, root's next STOP would be for it.
            5 if self.loads_for.is_none() => self.bind(which),
            6 => {
                let place = place(&mut self.numbers, &self.arena);
                write(&self.handles[which], place, bytes)
            }
            7 => poll(&self.handles[which], self.numbers.next() as i16),
            8 | 9 => self.load(which),
            _ => self.control(which),
        };
        if matches!(kind, 1 | 2 | 8 | 9) && answer.is_ok() {
            self.taken += 1;
        }
        Ok(())
    }

    /// A message that the echo takes, if the handle is bound to it.
    fn send(&mut self, which: usize) -> Answer {
        let place = Place::Arena(&self.arena, MESSAGE);
        write(&self.handles[which], place, MESSAGE_BYTES)
    }

    /// A binding to the echo, one word of it sometimes wrong.
    fn bind(&mut self, which: usize) -> Answer {
        let bind = Bind::new(name_bytes("echo").unwrap_or_default());
        for (index, word) in bind.as_bytes().chunks_exact(8).enumerate() {
            let word = word.try_into().map_or(0, u64::from_le_bytes);
            self.arena.put(BINDING + index * 8, word);
        }
        if self.numbers.below(8) == 0 {
            let index = self.numbers.below(size_of::<Bind>() as u64 / 8) as usize;
            self.arena.put(BINDING + index * 8, self.numbers.next());
        }
        let place = Place::Arena(&self.arena, BINDING);
        ioctl(&self.handles[which], BIND, place)
    }

    fn map(&mut self, which: usize) -> Answer {
        let numbers = &mut self.numbers;
        let bytes = numbers.one_of([0, 1, 0x1000, 0x2000, 0x10_0000, 0x100_0000, 1 << 40]);
        let flags = numbers.one_of([
            libc::MAP_SHARED,
            libc::MAP_PRIVATE,
            libc::MAP_SHARED_VALIDATE,
        ]);
        let protection = numbers.one_of([
            libc::PROT_NONE,
            libc::PROT_READ,
            libc::PROT_WRITE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::PROT_READ | libc::PROT_EXEC,
        ]);
        let offset = match numbers.below(3) {
            0 => 0,
            1 => 4096 * numbers.below(1024) as i64,
            _ => numbers.edge() as i64,
        };
        map(&self.handles[which], bytes, protection, flags, offset)
    }

    /// An image of random shape whose code halts.
    fn load(&mut self, which: usize) -> Answer {
        let cpu = match self.loads_for {
            Some(cpu) => u64::from(cpu),
            None => self.numbers.below(6),
        };
        let segments = self.numbers.one_of([0, 1, 1, 2, 16, 17]);
        let base = 0x4000_0000;
        for segment in 0..segments.min(17) {
            let at = SEGMENTS + segment as usize * 40;
            let plain = base + segment * 0x2000;
            let wild = self.numbers.below(8) == 0;
            let address = if wild { self.numbers.edge() } else { plain };
            let size = if wild { self.numbers.edge() } else { 0x1000 };
            self.arena.put(at, address);
            self.arena.put(at + 8, size);
            self.arena
                .put(at + 16, (self.arena.address() + CODE) as u64);
            self.arena
                .put(at + 24, self.numbers.one_of([0, 16, 0x1000, size]));
            self.arena.put(
                at + 32,
                self.numbers.one_of([1, 3, 5, 5, 5, 7, 0x1_0000_0005]),
            );
        }
        for word in 0..512 {
            self.arena.put(CODE + word * 8, HALTS);
        }
        let entry = self.numbers.one_of([base, base, base + 8, 0, u64::MAX]);
        let list = (self.arena.address() + SEGMENTS) as u64;
        let list = if self.numbers.below(16) == 0 {
            self.numbers.edge() | 1 << 63
        } else {
            list
        };
        let shared = self
            .numbers
            .one_of([0x10_0000, 0x10_0000, 0x1000, 0, 1, 1 << 28, u64::MAX]);
        self.arena.put(IMAGE, entry);
        self.arena.put(IMAGE + 8, list);
        self.arena.put(IMAGE + 16, cpu << 32 | segments);
        self.arena.put(IMAGE + 24, shared);
        self.arena.put(
            IMAGE + 32,
            self.numbers.one_of([shared, 0x1000, 0, u64::MAX]),
        );
        ioctl(&self.handles[which], LOAD, Place::Arena(&self.arena, IMAGE))
    }

    /// Any other command, known or not.
    fn control(&mut self, which: usize) -> Answer {
        let numbers = &mut self.numbers;
        let number = match numbers.below(4) {
            0 => numbers.below(256) as u32,
            _ => numbers.below(10) as u32,
        };
        let kind = if numbers.below(16) == 0 {
            numbers.below(256) as u32
        } else {
            KIND
        };
        let size = numbers.one_of([0, 0, 4, 8, 24, 40, 48, 64]);
        let direction = numbers.below(4) as u32;
        let command = direction << 30 | size << 16 | kind << 8 | number;
        if self.loads_for.is_some() && kind == KIND {
            match number {
                // With random words root would load anything: `load` does that, with halting code.
                1 => return Ok(0),
                // Each takes a second to find that what halts does not live.
                START if numbers.below(2_000) != 0 => return Ok(0),
                // Not the core that runs beside us.
                0 | RETURN => {
                    self.arena.put(0, u64::from(self.loads_for.unwrap_or(0)));
                    return ioctl(&self.handles[which], command, Place::Arena(&self.arena, 0));
                }
                _ => {}
            }
        }
        let word = numbers.edge();
        let offset = numbers.below(64) as usize * 8;
        self.arena.put(offset, word);
        let place = place(&mut self.numbers, &self.arena);
        ioctl(&self.handles[which], command, place)
    }
}

fn open(numbers: &mut Numbers) -> Result<File, String> {
    let (read, write) = numbers.one_of([(true, false), (true, true), (false, true)]);
    OpenOptions::new()
        .read(read)
        .write(write)
        // Nobody is to wait for mail that never comes.
        .custom_flags(libc::O_NONBLOCK)
        .open(NODE)
        .map_err(|error| format!("{NODE}: {error}"))
}

fn place<'a>(numbers: &mut Numbers, arena: &'a Arena) -> Place<'a> {
    match numbers.below(8) {
        0 => Place::Wild(0),
        1 => Place::Wild(numbers.edge()),
        2 => Place::Arena(arena, Arena::BYTES - numbers.below(64) as usize),
        _ => Place::Arena(arena, numbers.below(64) as usize * 8),
    }
}
