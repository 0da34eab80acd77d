//! The rings between applications and the core, beside their peers, between the same two CPUs.
//!
//! | module | what | beside |
//! | --- | --- | --- |
//! | `trip` | a message to a service and its answer | a bare cache line, there and back |
//! | `batch` | 16-byte messages one way, 32 at a time | rtrb, ringbuf, DPDK's rte_ring |
//! | `frames` | 1 KiB and 4 KiB messages one way | memcpy in and memcpy out |
//! | `wake` | a blocked reader | eventfd, pipe, io_uring |
//!
//! One CPU is the core's, the other the application's; each thread is pinned to its own.

mod batch;
mod far;
mod figures;
mod frames;
mod stream;
mod trip;
mod wake;

use offsched_hosted::CpuList;

use crate::series::Book;

pub use figures::{GROUPS, derive};

/// The two CPUs of every measurement.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The core's: where what the executive would run runs.
    pub core: usize,
    /// The application's, and the caller's.
    pub app: usize,
}

impl Pair {
    /// The core's CPU and the first other one; `None` if there is no other.
    pub fn choose(core: usize, cpus: &CpuList) -> Option<Self> {
        let app = *cpus.without(core).as_slice().first()?;
        Some(Self { core, app })
    }
}

/// A round of everything here. The caller is left on the application's CPU.
///
/// # Errors
/// A sentence, if a thread cannot be pinned or the core does not start. What the system does not
/// offer is left out, and `notes` says so.
pub fn measure(book: &mut Book, pair: Pair, notes: &mut Vec<String>) -> Result<(), String> {
    far::pin(pair.app)?;
    trip::measure(book, pair)?;
    batch::measure(book, pair)?;
    frames::measure(book, pair)?;
    wake::measure(book, pair, notes)
}
