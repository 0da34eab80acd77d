//! embassy-executor 0.10: its raw executor, polled by hand on the core thread.
//!
//! One task that waits for ever; an operation wakes it and polls the executor,
//! which is what an embassy program does for each event. The pender has nothing
//! to do: whoever wakes polls next. No preemption, no deadline, no telemetry:
//! less is done than by a spawn of ours, and the figure should be read so.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use embassy_executor::raw::{Executor, TaskStorage};

use crate::clock::ordered;
use crate::series::Book;

/// What the executor calls when a task was woken. The caller of `wake` polls itself.
// SAFETY: the name and the signature are those that embassy-executor declares (raw/mod.rs, `Pender`), and no other
// definition is linked, since no platform feature is on.
#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {}

/// An executor with one task.
pub struct Embassy {
    executor: &'static Executor,
    waker: Waker,
    entered: Rc<Cell<u64>>,
    /// Whether the task reads the clock when it is polled.
    is_stamped: Rc<Cell<bool>>,
}

impl Embassy {
    /// The executor and its task live for ever, as embassy wants it.
    pub fn new() -> Option<Self> {
        let executor: &'static Executor = Box::leak(Box::new(Executor::new(std::ptr::null_mut())));
        let entered = Rc::new(Cell::new(0));
        let waker = Rc::new(Cell::new(None));
        let is_stamped = Rc::new(Cell::new(false));
        let (enter, stamps) = (entered.clone(), is_stamped.clone());
        let mut hand_out = Some(waker.clone());
        let future = move || {
            poll_fn(move |context| {
                if stamps.get() {
                    enter.set(ordered());
                }
                if let Some(to) = hand_out.take() {
                    to.set(Some(context.waker().clone()));
                }
                Poll::<()>::Pending
            })
        };
        let storage = Box::leak(Box::new(TaskStorage::new()));
        executor.spawner().spawn(storage.spawn(future).ok()?);
        poll(executor);
        Some(Self {
            executor,
            waker: waker.take()?,
            entered,
            is_stamped,
        })
    }

    /// A round.
    pub fn measure(&self, book: &mut Book) {
        self.is_stamped.set(true);
        book.each("peer.embassy.first", || {
            let start = ordered();
            self.waker.wake_by_ref();
            poll(self.executor);
            self.entered.get().saturating_sub(start)
        });
        self.is_stamped.set(false);
        book.batch("peer.embassy.poll", || {
            self.waker.wake_by_ref();
            poll(self.executor);
        });
    }
}

#[inline(always)]
fn poll(executor: &'static Executor) {
    // SAFETY: the executor is used on this thread only, and its task does not poll it: no call is inside another.
    unsafe { executor.poll() };
}
