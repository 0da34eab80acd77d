//! Maskable interrupts: the alarm, the doorbell, and those meant for nobody.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offsched::Core;
use offsched_abi::header::State;
use offsched_abi::image::DOORBELL_VECTOR;
use offsched_abi::telemetry::add;

use crate::boundary::{BOUNDARY, Boundary};
use crate::lapic::{ALARM_VECTOR, Lapic, SPURIOUS_VECTOR};
use crate::once::Once;
use crate::registers::{disable_interrupts, enable_interrupts};

/// Non-maskable interrupts so far; the stub adds.
pub(crate) static NMIS: AtomicU64 = AtomicU64::new(0);

/// An alarm or a doorbell came since this was last cleared.
static CAME: AtomicBool = AtomicBool::new(false);

/// What the handler needs; set before interrupts are let in.
pub(crate) static HERE: Once<Here> = Once::new();

pub(crate) struct Here {
    pub core: &'static Core,
    pub lapic: Lapic,
}

/// True if an alarm or a doorbell came since the last call. With interrupts off.
pub(crate) fn came() -> bool {
    CAME.swap(false, Ordering::Relaxed)
}

/// Called by the stub, with interrupts off, on the interrupted stack.
pub(crate) extern "C" fn on_interrupt(vector: u64) {
    let (Some(here), Some(boundary)) = (HERE.get(), BOUNDARY.get()) else {
        return;
    };
    if vector != u64::from(SPURIOUS_VECTOR) {
        here.lapic.end_of_interrupt();
    }
    if vector == u64::from(ALARM_VECTOR) {
        serve(here, false);
    } else if vector == u64::from(DOORBELL_VECTOR) {
        hear(here, boundary);
    } else {
        // Linux broadcasts to every processor that it ever had.
        add(&boundary.region.core().strays, 1);
    }
}

/// Interrupts Linux: it looks who was rung for, and how the core fares. Nothing happens while Linux has no handler.
pub(crate) fn tell_linux() {
    if let (Some(here), Some(boundary)) = (HERE.get(), BOUNDARY.get())
        && let Some(notify) = boundary.params.notify()
    {
        here.lapic.send(notify.vector, notify.apic_id);
    }
}

fn hear(here: &Here, boundary: &Boundary) {
    // Before anybody looks at the channels: whoever rings after this interrupts again.
    boundary.region.header().bells.hear();
    let running = boundary.region.header().state.get() == State::Running;
    if running && boundary.params.stop_requested() {
        here.core.stop();
    }
    serve(here, true);
}

/// Jobs more urgent than the interrupted code run here, interruptible in turn.
fn serve(here: &Here, rung: bool) {
    CAME.store(true, Ordering::Relaxed);
    // SAFETY: the stub has left the entry stack, and the one stack has a page behind it that faults. Interrupts are let
    // in only between the start and the end of the core's run.
    unsafe {
        enable_interrupts();
        if rung {
            here.core.doorbell();
        } else {
            here.core.interrupt();
        }
    }
    disable_interrupts();
}
