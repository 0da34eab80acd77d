//! An open device.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use offsched_abi::message::{Message, MessageType};
use offsched_abi::region::ServiceEntry;

use crate::channel::Channel;
use crate::error::Error;
use crate::map::{ChannelMap, RegionMap};
use crate::node::{self, BindError, Grant, Node, Target};
use crate::telemetry::Telemetry;

/// Starts of the core that a binding may meet in a row.
const RESTARTS: u32 = 3;

/// Shortest and longest time between two tries to bind.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// An open device. Cheap to clone.
#[derive(Clone)]
pub struct Device {
    inner: Arc<Inner>,
}

struct Inner {
    node: Box<dyn Node>,
    /// The newest region: a restarted program serves another one at the same path.
    region: Mutex<Arc<RegionMap>>,
}

impl Device {
    /// Opens the device at the path: the kernel's character device, or a Unix socket that a hosted
    /// one serves. Of several cores of the kernel's, the first that runs.
    ///
    /// # Errors
    /// [`Error::NoDevice`], [`Error::CoreGone`] if the image has not begun yet, [`Error::Version`], [`Error::Region`],
    /// [`Error::Protocol`], [`Error::Os`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_at(path.as_ref(), None)
    }

    /// Opens the kernel's device for the core on that CPU. A hosted device has one core, whatever
    /// its CPU.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_cpu(path: impl AsRef<Path>, cpu: u32) -> Result<Self, Error> {
        Self::open_at(path.as_ref(), Some(cpu))
    }

    fn open_at(path: &Path, cpu: Option<u32>) -> Result<Self, Error> {
        let node = node::open(path, cpu)?;
        let region = Mutex::new(Arc::new(RegionMap::new(&node.hello()?)?));
        Ok(Self {
            inner: Arc::new(Inner { node, region }),
        })
    }

    /// What may be bound.
    pub fn services(&self) -> Vec<ServiceEntry> {
        self.region().region().services().to_vec()
    }

    /// What the core publishes.
    pub fn telemetry(&self) -> Telemetry {
        Telemetry::new(self.region())
    }

    /// Binds a channel of the service. Dropping the channel frees it.
    ///
    /// # Errors
    /// [`Error::NoService`], [`Error::AllTaken`], [`Error::CoreGone`], and those of
    /// [`open`](Self::open).
    pub fn bind(&self, service: &str) -> Result<Channel, Error> {
        self.bind_to(untyped(service), Duration::ZERO)
    }

    /// As [`bind`](Self::bind), for messages of type `Rx` to the core and `Tx` from it: the device refuses if the
    /// service declares others.
    ///
    /// # Errors
    /// [`Error::WrongType`], and those of [`bind`](Self::bind).
    pub fn bind_typed<Rx: Message, Tx: Message>(&self, service: &str) -> Result<Channel, Error> {
        self.bind_to(typed::<Rx, Tx>(service), Duration::ZERO)
    }

    fn bind_to(&self, target: Target, patience: Duration) -> Result<Channel, Error> {
        let (grant, map) = self.grant(&target, patience)?;
        Ok(Channel::new(self.clone(), target, grant, map))
    }

    /// As [`bind`](Self::bind), waiting up to `timeout` for a channel where all are taken. Who comes first is not
    /// settled. The kernel's device is waited in; a hosted one is asked again, soon at first and every 20 ms later.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn bind_timeout(&self, service: &str, timeout: Duration) -> Result<Channel, Error> {
        self.bind_waiting(&untyped(service), timeout)
    }

    /// As [`bind_typed`](Self::bind_typed), waiting as [`bind_timeout`](Self::bind_timeout) does.
    ///
    /// # Errors
    /// As [`bind_typed`](Self::bind_typed).
    pub fn bind_typed_timeout<Rx: Message, Tx: Message>(
        &self,
        service: &str,
        timeout: Duration,
    ) -> Result<Channel, Error> {
        self.bind_waiting(&typed::<Rx, Tx>(service), timeout)
    }

    fn bind_waiting(&self, target: &Target, timeout: Duration) -> Result<Channel, Error> {
        let deadline = Instant::now().checked_add(timeout);
        let mut pause = ASK_AGAIN.0;
        loop {
            let left = || {
                deadline.map_or(Duration::MAX, |at| {
                    at.saturating_duration_since(Instant::now())
                })
            };
            match self.bind_to(target.clone(), left()) {
                Err(Error::AllTaken { .. }) if !left().is_zero() => {}
                result => return result,
            }
            std::thread::sleep(pause.min(left()));
            pause = (2 * pause).min(ASK_AGAIN.1);
        }
    }

    /// Binds a channel of the service as a plain descriptor, for programs that know nothing of this library: `read` and
    /// `write` move one whole message, as `offsched.h` of the kernel module says. It closes on exec unless told otherwise,
    /// and the channel is free when this process has closed it.
    ///
    /// # Errors
    /// As [`bind`](Self::bind), and [`Error::NotTheKernels`] for a hosted device.
    pub fn bind_fd(&self, service: &str) -> Result<OwnedFd, Error> {
        let target = untyped(service);
        let bound = self.inner.node.bind_fd(&target);
        bound.map_err(|error| refusal(error, &target, &self.region()))
    }

    /// The parts of a channel.
    pub(crate) fn grant(
        &self,
        target: &Target,
        patience: Duration,
    ) -> Result<(Grant, ChannelMap), Error> {
        for _ in 0..RESTARTS {
            // The region first: who answers at the path may have changed.
            let region = self.refresh()?;
            let grant = self.bind_in(target, patience, &region)?;
            // Between the two the core may have been started anew, with another image.
            if region.region().header().state.epoch() == grant.core_epoch {
                let map = map_of(&grant, region)?;
                return Ok((grant, map));
            }
        }
        Err(Error::Protocol("the core is started again and again"))
    }

    fn bind_in(
        &self,
        target: &Target,
        patience: Duration,
        region: &RegionMap,
    ) -> Result<Grant, Error> {
        let granted = self.inner.node.bind(target, patience);
        granted.map_err(|error| refusal(error, target, region))
    }

    fn region(&self) -> Arc<RegionMap> {
        Arc::clone(
            &self
                .inner
                .region
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Asks for the region anew.
    fn refresh(&self) -> Result<Arc<RegionMap>, Error> {
        let region = Arc::new(RegionMap::new(&self.inner.node.hello()?)?);
        let mut newest = self
            .inner
            .region
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *newest = Arc::clone(&region);
        Ok(region)
    }
}

/// A service, whatever its messages are.
fn untyped(service: &str) -> Target {
    Target {
        service: service.to_owned(),
        types: Default::default(),
    }
}

/// A service with messages of these types.
fn typed<Rx: Message, Tx: Message>(service: &str) -> Target {
    Target {
        types: const { [MessageType::of::<Rx>(), MessageType::of::<Tx>()] },
        ..untyped(service)
    }
}

/// Why the device refused, with names.
fn refusal(error: BindError, target: &Target, region: &RegionMap) -> Error {
    let services = region.region().services();
    let name = target.service.clone();
    match error {
        BindError::NoService => Error::NoService {
            name,
            known: services
                .iter()
                .map(|entry| entry.name().to_owned())
                .collect(),
        },
        BindError::AllTaken => Error::AllTaken { name },
        BindError::WrongType => wrong_type(target, region),
        BindError::NotAllowed => Error::NotAllowed { name },
        BindError::CoreGone => Error::CoreGone {
            state: region.region().header().state.get(),
        },
        BindError::Other(error) => error,
    }
}

fn wrong_type(target: &Target, region: &RegionMap) -> Error {
    let pair = |[rx, tx]: [MessageType; 2]| format!("{rx} and {tx}");
    let has = region.region().service(&target.service);
    let has = has.map(|(_, entry)| [entry.rx_type, entry.tx_type]);
    Error::WrongType {
        name: target.service.clone(),
        has: pair(has.unwrap_or_default()),
        asked: pair(target.types),
    }
}

/// Maps a granted channel, which belongs to a service of that region.
fn map_of(grant: &Grant, region: Arc<RegionMap>) -> Result<ChannelMap, Error> {
    let services = region.region().services();
    let service = *services
        .get(grant.service)
        .ok_or(Error::Protocol("a service outside the region's table"))?;
    let (channel, epoch) = (grant.channel, grant.channel_epoch);
    ChannelMap::new(&grant.line.pages(), region, channel, &service, epoch)
}
