//! The port itself: clock, alarm, idle turns, doorbells.
#![allow(unsafe_code)]

use core::sync::atomic::Ordering;

use offsched::Port;
use offsched::log::Logs;
use offsched_hal_x86::tsc;

use crate::boundary::Boundary;
use crate::interrupt::{Here, NMIS, came, tell_linux};
use crate::registers::{enable_interrupts, wait_for_interrupt, without_interrupts};
use crate::stack;
use crate::uart;

/// The longest sleep of a core that halts in idle, ms: its heartbeat goes on.
const SLEEP_MAX_MS: u64 = 100;

/// The bare port.
pub(crate) struct BarePort {
    pub here: &'static Here,
    pub boundary: &'static Boundary,
    pub logs: Logs<'static>,
    /// Halt in idle: the app says so, or there is a hypervisor. A virtual processor that polls takes time from others,
    /// Linux's among them, so there an app that would poll halts too: what it prints is the same, it wakes up later.
    pub halt: bool,
}

impl BarePort {
    /// The NMI's handler knows no region.
    pub fn publish_nmis(&self) {
        let nmis = NMIS.load(Ordering::Relaxed);
        self.boundary
            .region
            .core()
            .nmis
            .store(nmis, Ordering::Relaxed);
    }

    /// Sleeps until an interrupt, the alarm at `until` at the latest. When it meant to be back.
    fn sleep(&self, until: u64) -> u64 {
        let longest = self.boundary.params.tsc_khz.saturating_mul(SLEEP_MAX_MS);
        let until = until.min(tsc::read().saturating_add(longest));
        without_interrupts(|| {
            // One that came after the executive computed `until` may have changed what is due.
            if came() {
                return;
            }
            self.arm(until);
            // SAFETY: the handlers are loaded, and idle is the bottom of the stack.
            unsafe { wait_for_interrupt() };
        });
        until
    }
}

impl Port for BarePort {
    #[inline]
    fn now(&self) -> u64 {
        tsc::read()
    }

    fn arm(&self, at: u64) {
        if at == u64::MAX {
            self.here.lapic.no_alarm();
        } else {
            self.here.lapic.alarm_at(at);
        }
    }

    #[inline]
    fn relax(&self, until: u64) -> Option<u64> {
        self.publish_nmis();
        stack::look(self.boundary.region.core());
        if self.boundary.params.stop_requested() {
            self.here.core.stop();
            return None;
        }
        if !self.halt || until == 0 {
            return None;
        }
        Some(self.sleep(until))
    }

    fn sleeps(&self) -> bool {
        self.halt
    }

    fn pause(&self) {
        core::hint::spin_loop();
    }

    fn ring(&self, channel: u16) {
        if self.boundary.region.header().bells.ring(channel) {
            tell_linux();
        }
    }

    fn logs(&self) -> Option<&Logs<'_>> {
        Some(&self.logs)
    }

    fn console(&self, bytes: &[u8]) {
        without_interrupts(|| {
            self.boundary.console.write(bytes);
            uart::say(bytes);
        });
    }
}

/// Lets the alarm and the doorbell in, when the executive's words are set up.
///
/// # Safety
/// Within the core's run.
pub(crate) unsafe fn open() {
    // SAFETY: the handlers are loaded, and the executive defers what comes too early.
    unsafe { enable_interrupts() };
}
