//! The device around the core.

use std::fs::File;
use std::sync::atomic::Ordering;

use object::{Object, ReadCache};
use offsched::abi::channel::ChannelView;
use offsched::abi::header::{BuildId, TimeScale};
use offsched::abi::log::LogRings;
use offsched::{App, Memory};
use offsched_hosted::{Boundary, Outcome, TimeFacts, write_at_once};
use offsched_socket::{Device, DeviceError, DeviceSpec, Limit, ServiceSpec};

/// A device for an app's channels and tasks; who may bind which service is limited as `limits` say.
///
/// # Errors
/// As [`Device::new`].
pub fn device_for<A: App>(limits: &[Limit]) -> Result<Device, DeviceError> {
    let image = A::image();
    let service = |channel: &offsched::rt::ChannelDecl| ServiceSpec {
        name: channel.service.to_owned(),
        clients: channel.clients,
        ring_bytes: channel.ring_bytes,
        rx_size: channel.rx_size,
        tx_size: channel.tx_size,
        rx_type: channel.rx_type,
        tx_type: channel.tx_type,
    };
    let device = Device::new(&DeviceSpec {
        name: A::NAME.to_owned(),
        services: image.channels.iter().map(service).collect(),
        tasks: image.tasks.len(),
        limits: limits.to_vec(),
    })?;
    if let Some(build) = own_build() {
        device.header().build.publish(&build);
    }
    Ok(device)
}

/// The build id of this program; `None` if it was linked without one.
fn own_build() -> Option<BuildId> {
    let program = ReadCache::new(File::open("/proc/self/exe").ok()?);
    let elf = object::File::parse(&program).ok()?;
    BuildId::new(elf.build_id().ok()??)
}

/// The device, as what lies around the core.
pub struct Around(pub Device);

impl Around {
    /// Publishes the core's clock beside Linux's: at the start, and now and
    /// then after it, since Linux slews its own.
    pub fn publish_time(&self, time: &TimeFacts) {
        if let Some(scale) = TimeScale::new(time.hz, time.tsc, time.monotonic_ns) {
            self.0.header().time.publish(&scale);
        }
    }
}

impl Boundary for Around {
    fn memory(&self) -> Memory<'_> {
        let region = self.0.region();
        Memory {
            core: region.core(),
            tasks: region.tasks(),
        }
    }

    fn channels(&self) -> Vec<ChannelView<'_>> {
        (0..self.0.channels())
            .filter_map(|channel| self.0.view(u16::try_from(channel).ok()?))
            .collect()
    }

    fn logs(&self) -> Option<&LogRings> {
        self.0.region().logs()
    }

    fn ring(&self, channel: u16) {
        self.0.ring(channel);
    }

    /// To the standard error: the standard output is the program's own.
    fn console(&self, bytes: &[u8]) {
        let lost = write_at_once(rustix::stdio::stderr(), bytes);
        let counter = &self.0.region().core().console_lost;
        counter.fetch_add(lost as u64, Ordering::Relaxed);
    }

    fn starting(&self, time: &TimeFacts) {
        self.0.header().crash.clear();
        self.publish_time(time);
        // The states below are this core's alone to change, in this order, so no step is refused.
        let _ = self.0.header().state.begin();
    }

    fn started(&self) {
        let _ = self.0.header().state.run();
    }

    fn ended(&self, outcome: &Outcome) {
        let header = self.0.header();
        if let Outcome::Crashed { .. } = outcome {
            header.crash.write(format_args!("{outcome}"));
            let _ = header.state.crash();
        } else {
            let _ = header.state.stop();
            let _ = header.state.retire();
        }
        self.0.ring_all();
    }
}
