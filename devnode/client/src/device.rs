//! An open device.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use offsched_abi::region::ServiceEntry;

use crate::channel::Channel;
use crate::error::Error;
use crate::map::{ChannelMap, RegionMap};
use crate::node::{BindError, Grant, Node, Socket};
use crate::telemetry::Telemetry;

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
    /// Opens the device served at a Unix socket.
    ///
    /// # Errors
    /// [`Error::NoDevice`], [`Error::Version`], [`Error::Region`], [`Error::Protocol`],
    /// [`Error::Os`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let node = Box::new(Socket::new(path.as_ref()));
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
        let (grant, map) = self.grant(service)?;
        Ok(Channel::new(self.clone(), service, grant, map))
    }

    /// The parts of a channel.
    pub(crate) fn grant(&self, service: &str) -> Result<(Grant, ChannelMap), Error> {
        // The region first: who answers at the path may have changed.
        let region = self.refresh()?;
        let grant = self.inner.node.bind(service).map_err(|error| match error {
            BindError::NoService => Error::NoService {
                name: service.to_owned(),
                known: self
                    .services()
                    .iter()
                    .map(|entry| entry.name().to_owned())
                    .collect(),
            },
            BindError::AllTaken => Error::AllTaken {
                name: service.to_owned(),
            },
            BindError::CoreGone => Error::CoreGone {
                state: region.region().header().state.get(),
            },
            BindError::Other(error) => error,
        })?;
        let entry = region
            .region()
            .services()
            .get(grant.service)
            .ok_or(Error::Protocol("a service outside the region's table"))?;
        let ring_bytes = entry.ring_bytes as usize;
        let map = ChannelMap::new(
            &grant.pages,
            Arc::clone(&region),
            grant.channel,
            ring_bytes,
            grant.channel_epoch,
        )?;
        Ok((grant, map))
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
