//! The scene of a crash: registers and return addresses, which Linux's side makes sense of with
//! the image's ELF file.

use crate::sync::{AtomicU32, AtomicU64, Ordering, load_acquire_u32};

/// Most addresses in a backtrace.
pub const TRACE_MAX: usize = 48;

/// Declares the registers once: their names, their order in shared memory, and the way there.
macro_rules! registers {
    ($($name:ident)*) => {
        /// A processor's registers at a crash.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Registers {
            $(#[doc = concat!("`", stringify!($name), "`")] pub $name: u64,)*
        }

        /// Their names, in the order of [`Registers::to_words`].
        pub const REGISTER_NAMES: [&str; REGISTERS] = [$(stringify!($name)),*];
        /// How many there are.
        pub const REGISTERS: usize = [$(stringify!($name)),*].len();

        impl Registers {
            /// The values, in the order of [`REGISTER_NAMES`].
            pub fn to_words(&self) -> [u64; REGISTERS] {
                [$(self.$name),*]
            }

            fn from_words(words: [u64; REGISTERS]) -> Self {
                let [$($name),*] = words;
                Self { $($name),* }
            }
        }
    };
}

registers! {
    rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15
    rip rflags cr2 cr3 error vector
}

/// What kind of crash it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CrashKind {
    /// A panic: of the registers rip, rsp, rbp, rflags and cr3 mean something.
    Panic = 1,
    /// A fault of the processor's: all registers are those of the faulting instruction.
    Fault = 2,
    /// The port refused to run the image; no registers.
    Refused = 3,
}

/// Why a backtrace ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TraceEnd {
    /// At the image's entry: it is whole.
    Entry = 0,
    /// There was no more room.
    Room = 1,
    /// At a frame pointer or return address that is none.
    Broken = 2,
}

/// A backtrace: the instruction that failed first, then return addresses, innermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    addresses: [u64; TRACE_MAX],
    len: usize,
    /// Why it ends.
    pub end: TraceEnd,
}

impl Trace {
    /// An empty one that ended at once.
    pub const fn new() -> Self {
        Self {
            addresses: [0; TRACE_MAX],
            len: 0,
            end: TraceEnd::Broken,
        }
    }

    /// Adds an address further out; `false` if there is no room.
    pub fn push(&mut self, address: u64) -> bool {
        let Some(place) = self.addresses.get_mut(self.len) else {
            return false;
        };
        *place = address;
        self.len += 1;
        true
    }

    /// The addresses, innermost first.
    pub fn addresses(&self) -> &[u64] {
        self.addresses.get(..self.len).unwrap_or_default()
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

/// A copy of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// What kind of crash it was.
    pub kind: CrashKind,
    /// The core's counter at the crash, cycles.
    pub tsc: u64,
    /// The registers.
    pub registers: Registers,
    /// How it came there.
    pub trace: Trace,
}

/// The scene as the core leaves it: written once, before it says that it crashed.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct CrashScene {
    /// 0: nothing here. Written last.
    kind: AtomicU32,
    end: AtomicU32,
    len: AtomicU32,
    _reserved: u32,
    tsc: AtomicU64,
    registers: [AtomicU64; REGISTERS],
    trace: [AtomicU64; TRACE_MAX],
}

impl CrashScene {
    pub(super) fn new() -> Self {
        Self {
            kind: AtomicU32::new(0),
            end: AtomicU32::new(0),
            len: AtomicU32::new(0),
            _reserved: 0,
            tsc: AtomicU64::new(0),
            registers: [const { AtomicU64::new(0) }; REGISTERS],
            trace: [const { AtomicU64::new(0) }; TRACE_MAX],
        }
    }

    /// Writes the scene. Needs no memory and cannot fail.
    pub fn write(&self, scene: &Scene) {
        self.tsc.store(scene.tsc, Ordering::Relaxed);
        for (word, value) in self.registers.iter().zip(scene.registers.to_words()) {
            word.store(value, Ordering::Relaxed);
        }
        let addresses = scene.trace.addresses();
        for (word, address) in self.trace.iter().zip(addresses) {
            word.store(*address, Ordering::Relaxed);
        }
        self.len.store(addresses.len() as u32, Ordering::Relaxed);
        self.end.store(scene.trace.end as u32, Ordering::Relaxed);
        self.kind.store(scene.kind as u32, Ordering::Release);
    }

    /// A copy; `None` if there is none, or if what is there is none.
    pub fn read(&self) -> Option<Scene> {
        let kind = match load_acquire_u32(&self.kind) {
            1 => CrashKind::Panic,
            2 => CrashKind::Fault,
            3 => CrashKind::Refused,
            _ => return None,
        };
        let words = core::array::from_fn(|at| self.registers[at].load(Ordering::Relaxed));
        let mut trace = Trace::new();
        trace.len = (self.len.load(Ordering::Relaxed) as usize).min(TRACE_MAX);
        for (to, word) in trace.addresses.iter_mut().zip(&self.trace).take(trace.len) {
            *to = word.load(Ordering::Relaxed);
        }
        trace.end = match self.end.load(Ordering::Relaxed) {
            0 => TraceEnd::Entry,
            1 => TraceEnd::Room,
            _ => TraceEnd::Broken,
        };
        Some(Scene {
            kind,
            tsc: self.tsc.load(Ordering::Relaxed),
            registers: Registers::from_words(words),
            trace,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        let mut trace = Trace::new();
        assert!((1..=3).all(|address| trace.push(address)));
        trace.end = TraceEnd::Entry;
        let registers = Registers::from_words(core::array::from_fn(|at| at as u64 * 3));
        Scene {
            kind: CrashKind::Fault,
            tsc: 7,
            registers,
            trace,
        }
    }

    #[test]
    fn a_scene_survives_shared_memory() {
        let shared = CrashScene::new();
        assert_eq!(shared.read(), None);
        shared.write(&scene());
        assert_eq!(shared.read(), Some(scene()));
        assert_eq!(scene().registers.vector, 3 * (REGISTERS as u64 - 1));
    }

    #[test]
    fn a_trace_takes_what_fits() {
        let mut trace = Trace::new();
        assert_eq!(
            (0..100).filter(|address| trace.push(*address)).count(),
            TRACE_MAX
        );
    }

    #[test]
    fn words_that_no_core_wrote_are_bounded() {
        let shared = CrashScene::new();
        shared.write(&scene());
        shared.len.store(u32::MAX, Ordering::Relaxed);
        shared.end.store(77, Ordering::Relaxed);
        let found = shared.read().unwrap();
        assert_eq!(found.trace.addresses().len(), TRACE_MAX);
        assert_eq!(found.trace.end, TraceEnd::Broken);
        shared.kind.store(4, Ordering::Relaxed);
        assert_eq!(shared.read(), None);
    }
}
