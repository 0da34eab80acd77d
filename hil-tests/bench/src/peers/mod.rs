//! What others do in the same place, measured in the same rounds on the same core.

pub mod dpdk;
mod embassy;
mod park;

use std::collections::VecDeque;
use std::hint::black_box;

use crate::series::Book;

pub use embassy::Embassy;
pub use park::park;

/// A queue of boxed closures, the loop that one would write by hand: take the first, call it, put it back.
pub struct ClosureLoop {
    queue: VecDeque<Box<dyn FnMut()>>,
}

impl ClosureLoop {
    /// A loop over one closure that counts its calls.
    pub fn new() -> Self {
        let mut calls = 0u64;
        let closure: Box<dyn FnMut()> = Box::new(move || {
            calls += 1;
            black_box(calls);
        });
        Self {
            queue: VecDeque::from([closure]),
        }
    }

    /// A round.
    pub fn measure(&mut self, book: &mut Book) {
        book.batch("peer.closures", || {
            if let Some(mut closure) = self.queue.pop_front() {
                closure();
                self.queue.push_back(closure);
            }
        });
    }
}
