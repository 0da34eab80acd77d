//! Linux's own: `std::thread::park` and `unpark`, there and back between two threads. For context.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;

use crate::clock::ordered;
use crate::series::Book;

/// A round: each sample is there and back.
pub fn park(book: &mut Book) {
    if !book.wants(&["peer.park"]) {
        return;
    }
    let (turn, ends) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (give, take) = mpsc::channel();
    let (their_turn, their_end) = (turn.clone(), ends.clone());
    let main = thread::current();
    let peer = thread::spawn(move || {
        // The receiver waits for this very message.
        let _ = give.send(thread::current());
        while !their_end.load(SeqCst) {
            if their_turn.swap(false, SeqCst) {
                main.unpark();
            } else {
                thread::park();
            }
        }
    });
    if let Ok(other) = take.recv() {
        book.each("peer.park", || {
            let start = ordered();
            turn.store(true, SeqCst);
            other.unpark();
            while turn.load(SeqCst) {
                thread::park();
            }
            ordered().saturating_sub(start)
        });
        ends.store(true, SeqCst);
        other.unpark();
    }
    // It ends by itself; a panic in it would have nothing to tell us.
    let _ = peer.join();
}
