//! The port: the executive's calls, passed on to the machine.

use offsched::Port;

use crate::machine::Machine;

impl Port for Machine {
    fn now(&self) -> u64 {
        self.read_clock()
    }

    fn arm(&self, at: u64) {
        self.set_alarm(at);
    }

    fn watch_min(&self) -> u64 {
        self.watch_min
    }

    fn relax(&self, until: u64) -> Option<u64> {
        Some(Machine::relax(self, until))
    }

    fn sleeps(&self) -> bool {
        self.sleeps
    }

    fn pause(&self) {
        Machine::pause(self);
    }

    /// There is no Linux beside a simulated core: the doorbell is written down.
    fn ring(&self, channel: u16) {
        self.rings.borrow_mut().push((self.since_start(), channel));
    }

    fn console(&self, bytes: &[u8]) {
        self.console
            .borrow_mut()
            .push_str(&String::from_utf8_lossy(bytes));
    }
}
