//! What the core publishes, read without asking it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use offsched_abi::header::{Header, State, TimeScale};
use offsched_abi::region::Region;
use offsched_abi::telemetry::{CoreTelemetry, TaskTelemetry};

use crate::map::RegionMap;

/// A core's header and telemetry, mapped read-only. Stays readable when the core or its program is
/// gone, with what was published last.
#[derive(Clone)]
pub struct Telemetry {
    region: Arc<RegionMap>,
}

impl Telemetry {
    pub(crate) fn new(region: Arc<RegionMap>) -> Self {
        Self { region }
    }

    /// All of it: tables and channel states too.
    pub fn region(&self) -> Region<'_> {
        self.region.region()
    }

    /// The header page.
    pub fn header(&self) -> &Header {
        self.region.region().header()
    }

    /// What the core does.
    pub fn state(&self) -> State {
        self.header().state.get()
    }

    /// How often the core was started.
    pub fn epoch(&self) -> u32 {
        self.header().state.epoch()
    }

    /// The core's last look at the clock in its idle loop, cycles: stands still while the core is busy, or gone.
    pub fn heartbeat(&self) -> u64 {
        self.core().heartbeat.load(Ordering::Relaxed)
    }

    /// Why the core crashed; `None` if it did not.
    pub fn crash(&self) -> Option<String> {
        (self.state() == State::Crashed).then(|| self.header().crash.read().as_str().to_owned())
    }

    /// The scale between cycles and CLOCK_MONOTONIC; `None` before the core published it.
    pub fn scale(&self) -> Option<TimeScale> {
        self.header().time.read()
    }

    /// CLOCK_MONOTONIC, in ns, when the TSC read `tsc`; `None` as for [`scale`](Self::scale).
    pub fn monotonic_ns(&self, tsc: u64) -> Option<u64> {
        self.scale().map(|scale| scale.monotonic_ns(tsc))
    }

    /// CLOCK_MONOTONIC, in ns, at the beginning of a tick of the core's schedule (us since its start); `None` as for
    /// [`scale`](Self::scale). Services speak in ticks, applications in CLOCK_MONOTONIC.
    pub fn monotonic_ns_at_tick(&self, tick_us: u64) -> Option<u64> {
        let scale = self.scale()?;
        let zero = self.core().tick_zero.load(Ordering::Relaxed);
        Some(scale.monotonic_ns(zero.saturating_add(scale.us_to_cycles(tick_us))))
    }

    /// The core's own counters and trace.
    pub fn core(&self) -> &CoreTelemetry {
        self.region.region().core()
    }

    /// Each task's counters and histograms, in the image's order.
    pub fn tasks(&self) -> &[TaskTelemetry] {
        self.region.region().tasks()
    }
}
