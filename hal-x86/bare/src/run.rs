//! A run of an app, from the entry to the parked processor.
#![allow(unsafe_code)]

use core::sync::atomic::Ordering;

use offsched::log::{Logs, set_here};
use offsched::{App, Core, IdlePolicy, Memory, Outcome, Port, Setup};
use offsched_hal_x86::cpu::has_hypervisor;

use crate::boundary::{self, BOUNDARY, Boundary};
use crate::fault::refuse;
use crate::interrupt::{HERE, Here, tell_linux};
use crate::lapic::Lapic;
use crate::port::{self, BarePort};
use crate::registers::{disable_interrupts, msr, park, wrmsr};
use crate::stack;
use crate::tables;
use crate::uart;

/// Two looks of the polling idle loop further apart are a gap, ns.
const GAP_NS: u64 = 1_000;
/// The processor's own setting after reset (Intel SDM vol. 3A, 12.12.4).
const PAT_AT_RESET: u64 = 0x0007_0406_0007_0406;

/// Runs the app on this core, which does nothing else; then parks.
///
/// What [`image!`](crate::image) calls, once, on the image's stack; with the port of a UART, or 0.
pub fn run<A: App>(uart: u16) -> ! {
    if uart != 0 {
        // SAFETY: ring 0; the image says that the UART is there and its own.
        unsafe { uart::set(uart) };
    }
    // SAFETY: every x86-64 processor has the register. The mappings use entries 0 and 3 only, which mean the same as
    // before the write or are written before their first use.
    unsafe { wrmsr(msr::PAT, PAT_AT_RESET) };
    let image = A::image();
    // SAFETY: started by the module.
    let Some(params) = (unsafe { boundary::params() }) else {
        park()
    };
    // SAFETY: once; the handlers are loaded, and the module maps the page where there is no x2APIC.
    let lapic = unsafe { Lapic::enable(params.tsc_khz) };
    // SAFETY: once, with interrupts off, started by the module.
    let Some(boundary) = (unsafe { boundary::open(params, image.tasks, image.channels) }) else {
        park()
    };
    let here = Here {
        core: image.core,
        lapic,
    };
    match HERE.set(here) {
        Some(here) => start::<A>(here, boundary),
        None => park(),
    }
}

fn start<A: App>(here: &'static Here, boundary: &'static Boundary) -> ! {
    let app = A::image();
    let polls = app.idle_policy != IdlePolicy::Halt;
    // With an idle function its turns go on: it decides.
    let refused = polls && app.idle.is_none() && has_hypervisor();
    let telemetry = boundary.region.core();
    telemetry
        .poll_refused
        .store(u64::from(refused), Ordering::Relaxed);
    let port = BarePort {
        here,
        boundary,
        logs: Logs::new(boundary.logs, app.tasks),
        halt: !polls || has_hypervisor(),
    };
    let image = offsched::Image {
        init: init::<A>,
        ..*app
    };
    let stack = tables::main_stack();
    let setup = Setup {
        port: &port,
        stack: stack.start as usize..stack.end as usize,
        hz: boundary.params.tsc_khz.saturating_mul(1_000),
        gap_ns: GAP_NS,
        memory: Memory {
            core: boundary.region.core(),
            tasks: boundary.region.tasks(),
        },
        channels: boundary.channels,
    };
    set_here(|| HERE.get().map(|here| here.core));
    // SAFETY: the image's code runs on this core alone, which has one stack (interrupts move to it); the image is an app's,
    // with `init` wrapped by ours.
    let outcome = unsafe { here.core.run(&image, &setup) };
    disable_interrupts();
    match outcome {
        Ok(outcome) => end::<A>(outcome, &port),
        Err(error) => refuse(&error),
    }
}

/// The core's init: the app's, then word to Linux.
///
/// # Safety
/// As for [`offsched::Image::init`]: called by the executive only.
unsafe fn init<A: App>(core: &Core) {
    // SAFETY: within the core's run.
    unsafe { port::open() };
    // SAFETY: this very app's init, called once, before any task, as the executive calls us.
    unsafe { (A::image().init)(core) };
    if let Some(boundary) = BOUNDARY.get() {
        // Refused only if the state is not `starting`, which `open` made it.
        let _ = boundary.region.header().state.run();
        // Until here a doorbell stopped nothing: an app whose core is stopping cannot start.
        if boundary.params.stop_requested() {
            core.stop();
        }
    }
}

/// Says how the run ended, and parks.
fn end<A: App>(outcome: Outcome, port: &BarePort) -> ! {
    port.publish_nmis();
    stack::look_at_all(port.boundary.region.core());
    let state = &port.boundary.region.header().state;
    // Neither can be refused: the run has ended, and nobody else moves the state.
    let _ = state.stop();
    match outcome {
        Outcome::Stopped => port.console(b"-- stopped as asked\n"),
        Outcome::Missed(task) => {
            let name = A::image()
                .tasks
                .get(usize::from(task))
                .map_or("?", |task| task.name);
            port.console(b"-- stopped: ");
            port.console(name.as_bytes());
            port.console(b" missed its deadline\n");
        }
    }
    let _ = state.retire();
    tell_linux();
    park()
}
