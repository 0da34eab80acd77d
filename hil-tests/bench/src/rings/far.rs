//! The other thread of a pair.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use offsched_hosted::{CpuList, confine_caller};

use super::Pair;

/// Something in lines of its own: what one thread writes and what another reads beside it would else be one miss more for
/// both, and it depends on how the compiler lays a stack out who pays.
#[repr(align(128))]
pub struct Apart<T>(pub T);

/// Pins the calling thread.
///
/// # Errors
/// A sentence.
pub fn pin(cpu: usize) -> Result<(), String> {
    confine(vec![cpu])
}

/// Lets the calling thread use both CPUs.
///
/// # Errors
/// A sentence.
pub fn allow(pair: Pair) -> Result<(), String> {
    confine(vec![pair.app, pair.core])
}

fn confine(cpus: Vec<usize>) -> Result<(), String> {
    confine_caller(&CpuList::new(cpus)).map_err(|error| error.to_string())
}

/// Runs `far` on the core's CPU while `near` runs here. `far` is to end when the flag that it is
/// given becomes true, which happens when `near` has returned.
///
/// # Errors
/// A sentence, if the other thread cannot be pinned; `near` does not run then.
pub fn beside<R>(
    pair: Pair,
    far: impl FnOnce(&AtomicBool) + Send,
    near: impl FnOnce() -> R,
) -> Result<R, String> {
    let end = Apart(AtomicBool::new(false));
    let (give, take) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let end = &end.0;
        scope.spawn(move || {
            let pinned = pin(pair.core);
            let runs = pinned.is_ok();
            // The receiver waits for this very message.
            let _ = give.send(pinned);
            if runs {
                far(end);
            }
        });
        take.recv()
            .unwrap_or_else(|_| Err("the second thread did not start".to_owned()))?;
        let result = near();
        end.store(true, Relaxed);
        Ok(result)
    })
}
