//! The device: the region, and the channels' memory and bindings.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offsched_abi::channel::ring_data_bytes;
use offsched_abi::channel::{ChannelView, CoreEnd};
use offsched_abi::header::{Header, State};
use offsched_abi::image::{Layout, Needs};
use offsched_abi::message::MessageType;
use offsched_abi::node::{Request, Status};
use offsched_abi::region::Region;
use offsched_abi::region::{CHANNELS_MAX, RegionError, ServiceEntry, name_bytes, name_str};
use offsched_abi::ring::max_frame;
use rustix::io::Errno;

use crate::error::DeviceError;
use crate::map::{Bell, ChannelMap, RegionMap};
use crate::peer::Peer;
use crate::server::Server;

/// A service as the image declares it. "rx" and "tx" are the core's.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// What applications bind to; 1 to 32 bytes.
    pub name: String,
    /// Applications that may be bound at a time.
    pub clients: u16,
    /// Data bytes of each ring; rounded up to pages.
    pub ring_bytes: u32,
    /// Longest message to the core, bytes.
    pub rx_size: u32,
    /// Longest message from the core, bytes.
    pub tx_size: u32,
    /// What a message to the core is; the default: not stated.
    pub rx_type: MessageType,
    /// What a message from the core is.
    pub tx_type: MessageType,
}

/// Lets a group's members bind a service. One that no limit names is for all who can reach the
/// device; one with limits is for the members of any of their groups, and for root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The service's name.
    pub service: String,
    /// The group.
    pub gid: u32,
}

/// What a device offers.
#[derive(Clone, Debug)]
pub struct DeviceSpec {
    /// Name of the device, for [`default_path`](crate::default_path).
    pub name: String,
    /// The image's services.
    pub services: Vec<ServiceSpec>,
    /// Tasks with telemetry.
    pub tasks: usize,
    /// Who may bind what.
    pub limits: Vec<Limit>,
}

/// A hosted device. Cheap to clone; the memory lives as long as one clone.
#[derive(Clone)]
pub struct Device {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    name: String,
    map: RegionMap,
    slots: Vec<Slot>,
    /// Epoch of each channel's client. The region's state words are for others to read; this is
    /// what decides.
    bound: Mutex<Vec<Option<u16>>>,
    /// Of each service, the groups that may bind it; empty: all.
    groups: Vec<Vec<u32>>,
}

/// One channel's memory and the core's bell for its client.
struct Slot {
    map: ChannelMap,
    bell: Bell,
}

/// What a bound application gets.
pub(crate) struct Bound {
    pub(crate) service: u32,
    pub(crate) channel: u16,
    pub(crate) epoch: u16,
    pub(crate) core_epoch: u32,
    pub(crate) pages: OwnedFd,
    pub(crate) wake: OwnedFd,
}

impl Device {
    /// Makes a device of an offline core; nobody can reach it before [`serve`](Self::serve).
    ///
    /// # Errors
    /// [`DeviceError::Service`] for a declaration that cannot work, [`DeviceError::Region`] for too
    /// many of anything, [`DeviceError::Os`] if memory or descriptors run out.
    pub fn new(spec: &DeviceSpec) -> Result<Self, DeviceError> {
        let (services, channels) = service_table(&spec.services)?;
        let groups = groups(&services, &spec.limits)?;
        // As an image's: the console in it stays empty, since a hosted core prints where its program does.
        let layout = Layout::new(&Needs {
            services: services.len(),
            channels,
            tasks: spec.tasks,
            channel_bytes: 0,
        });
        let layout = layout.ok_or(DeviceError::Region(RegionError::Tables))?;
        let bytes = layout.public_bytes as usize;
        let map = RegionMap::new(&services, channels, spec.tasks, bytes)?;
        let slots = services
            .iter()
            .flat_map(|entry| (0..entry.clients).map(|_| Slot::new(*entry)))
            .collect::<Result<Vec<_>, _>>()?;
        let bound = Mutex::new(vec![None; slots.len()]);
        Ok(Self {
            shared: Arc::new(Shared {
                name: spec.name.clone(),
                map,
                slots,
                bound,
                groups,
            }),
        })
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The region: header, services, channel states, telemetry, log rings.
    pub fn region(&self) -> Region<'_> {
        self.shared.map.region()
    }

    /// The header page. State changes are the port's to make.
    pub fn header(&self) -> &Header {
        self.region().header()
    }

    /// Channels of all services together.
    pub fn channels(&self) -> usize {
        self.shared.slots.len()
    }

    /// A channel as the core's side maps it, for an executive that makes the ends itself; `None` if
    /// there is no such channel.
    pub fn view(&self, channel: u16) -> Option<ChannelView<'_>> {
        self.shared.view(channel)
    }

    /// The core's end of a channel; `None` if there is no such channel. One at a time: the ends'
    /// indices are their own, so two would garble each other's messages.
    pub fn core_end(&self, channel: u16) -> Option<CoreEnd<'_>> {
        self.shared.view(channel).map(CoreEnd::new)
    }

    /// Rings the application bound to a channel. One system call and no lock: may be called at any
    /// level and in a signal handler. A channel that does not exist is ignored.
    pub fn ring(&self, channel: u16) {
        if let Some(slot) = self.shared.slots.get(usize::from(channel)) {
            slot.bell.ring();
        }
    }

    /// Wakes every bound application, so that it looks at the core's state: call it after the state
    /// has changed. Same rules as [`ring`](Self::ring).
    pub fn ring_all(&self) {
        for slot in &self.shared.slots {
            slot.bell.ring();
        }
    }

    /// Closes every channel and wakes its client: when the core stops or starts anew. The clients
    /// have to bind again.
    pub fn close_all(&self) {
        for channel in 0..self.shared.slots.len() {
            let epoch = self.shared.bound()[channel];
            if let Some(epoch) = epoch {
                self.shared.close(channel as u16, epoch);
            }
        }
    }

    /// Serves the device at a Unix socket until the result is dropped. `doorbell` is called on the
    /// server's thread with a channel whose application rang, came or went; it must be quick.
    ///
    /// # Errors
    /// [`DeviceError::InUse`] if a live device has the path, [`DeviceError::Os`].
    pub fn serve(
        &self,
        path: &Path,
        doorbell: impl Fn(u16) + Send + 'static,
    ) -> Result<Server, DeviceError> {
        Server::start(Arc::clone(&self.shared), path, Box::new(doorbell))
    }
}

impl Slot {
    fn new(service: ServiceEntry) -> Result<Self, DeviceError> {
        let os = || DeviceError::os("make a channel's memory");
        Ok(Self {
            map: ChannelMap::new(service).map_err(os())?,
            bell: Bell::new().map_err(os())?,
        })
    }
}

impl Shared {
    pub(crate) fn region(&self) -> Region<'_> {
        self.map.region()
    }

    pub(crate) fn region_fd(&self) -> &OwnedFd {
        self.map.read_only()
    }

    fn view(&self, channel: u16) -> Option<ChannelView<'_>> {
        let at = usize::from(channel);
        Some(
            self.slots
                .get(at)?
                .map
                .view(self.region().channels().get(at)?),
        )
    }

    fn bound(&self) -> MutexGuard<'_, Vec<Option<u16>>> {
        // The record is a plain list; a panic elsewhere does not make it wrong.
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a free channel of the service to an application that `peer` finds.
    pub(crate) fn bind(
        &self,
        request: &Request,
        peer: impl FnOnce() -> Result<Peer, Errno>,
    ) -> Result<Bound, Status> {
        let header = self.region().header();
        let core_epoch = header.state.epoch();
        if !matches!(header.state.get(), State::Starting | State::Running) {
            return Err(Status::CoreGone);
        }
        let name = name_str(&request.name);
        // A name with something behind its end is nobody's.
        if name_bytes(name) != Some(request.name) {
            return Err(Status::NoService);
        }
        let (service, entry) = self.region().service(name).ok_or(Status::NoService)?;
        let groups = &self.groups[service];
        if !groups.is_empty() && !peer().is_ok_and(|peer| peer.is_in(groups)) {
            return Err(Status::NotAllowed);
        }
        if !entry.takes(request.rx_type, request.tx_type) {
            return Err(Status::WrongType);
        }
        let mut bound = self.bound();
        let first = entry.first_channel as usize;
        let at = (first..first + entry.clients as usize)
            .find(|at| bound[*at].is_none())
            .ok_or(Status::AllTaken)?;
        let slot = &self.slots[at];
        let channel = at as u16;
        let view = self.view(channel).ok_or(Status::NoService)?;
        let wake = slot.bell.renew().map_err(|_| Status::NoResources)?;
        let pages = slot.map.renew().map_err(|_| Status::NoResources)?;
        let epoch = view.open().ok_or(Status::NoResources)?;
        bound[at] = Some(epoch);
        Ok(Bound {
            service: service as u32,
            channel,
            epoch,
            core_epoch,
            pages,
            wake,
        })
    }

    /// Frees the channel, if it still belongs to the client of that epoch, and wakes that client.
    pub(crate) fn close(&self, channel: u16, epoch: u16) {
        let at = usize::from(channel);
        let mut bound = self.bound();
        let Some(view) = self.view(channel) else {
            return;
        };
        if bound[at] != Some(epoch) {
            return;
        }
        view.state().close();
        let slot = &self.slots[at];
        slot.bell.ring();
        // Without memory to put in its place the old client's stays until the next binding
        // replaces it; nobody else uses it.
        let _ = slot.map.cut_off();
        view.state().retire();
        bound[at] = None;
    }
}

/// The service table and the number of channels.
fn service_table(specs: &[ServiceSpec]) -> Result<(Vec<ServiceEntry>, usize), DeviceError> {
    let mut first_channel = 0;
    let mut table: Vec<ServiceEntry> = Vec::with_capacity(specs.len());
    for spec in specs {
        let entry = service_entry(spec, first_channel)?;
        if table.iter().any(|other| other.name == entry.name) {
            return Err(problem(spec, "another service has the same name"));
        }
        first_channel += u32::from(spec.clients);
        table.push(entry);
    }
    let channels = first_channel as usize;
    if channels > CHANNELS_MAX {
        return Err(DeviceError::Region(RegionError::Tables));
    }
    Ok((table, channels))
}

fn service_entry(spec: &ServiceSpec, first_channel: u32) -> Result<ServiceEntry, DeviceError> {
    let name = name_bytes(&spec.name)
        .ok_or_else(|| problem(spec, "a name has 1 to 32 bytes, none of them zero"))?;
    let longest = max_frame(ring_data_bytes(spec.ring_bytes as usize));
    let asked = spec.rx_size.max(spec.tx_size) as usize;
    if asked > longest {
        let text = format!(
            "messages of {asked} bytes do not fit a ring of {} bytes, which takes {longest}: \
             declare a larger ring",
            spec.ring_bytes
        );
        return Err(problem(spec, text));
    }
    Ok(ServiceEntry {
        name,
        clients: u32::from(spec.clients),
        ring_bytes: spec.ring_bytes,
        rx_size: spec.rx_size,
        tx_size: spec.tx_size,
        first_channel,
        reserved: 0,
        rx_type: spec.rx_type,
        tx_type: spec.tx_type,
    })
}

/// The groups of each service.
fn groups(services: &[ServiceEntry], limits: &[Limit]) -> Result<Vec<Vec<u32>>, DeviceError> {
    let mut groups = vec![Vec::new(); services.len()];
    for limit in limits {
        let place = services
            .iter()
            .position(|entry| entry.name() == limit.service);
        let place = place.ok_or_else(|| {
            let known: Vec<_> = services.iter().map(ServiceEntry::name).collect();
            DeviceError::Service {
                name: limit.service.clone(),
                problem: format!(
                    "it is limited to a group, but is not there; the image has: {}",
                    known.join(", ")
                ),
            }
        })?;
        groups[place].push(limit.gid);
    }
    Ok(groups)
}

fn problem(spec: &ServiceSpec, problem: impl Into<String>) -> DeviceError {
    DeviceError::Service {
        name: spec.name.clone(),
        problem: problem.into(),
    }
}
