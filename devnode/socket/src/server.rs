//! The server's thread: connections, requests, doorbells.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use offsched_abi::node::{OP_BIND, OP_HELLO, Reply, Request, Status};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use crate::device::{Bound, Shared};
use crate::error::DeviceError;
use crate::map::new_eventfd;
use crate::path::Listener;
use crate::peer::{self, Peer};
use crate::wire::{self, Incoming};

/// Connections beyond the channels, for those that only look.
const CONNECTIONS_SPARE: usize = 64;
/// Events taken at a time.
const EVENTS: usize = 32;

const LISTENER: u64 = 0;
const STOP: u64 = 1;
/// Tokens from here on are connections; with [`DOORBELL`] set, their doorbells; with [`END`], the
/// processes that they are bound for.
const FIRST_CONNECTION: u64 = 2;
const DOORBELL: u64 = 1 << 63;
const END: u64 = 1 << 62;

type Doorbell = Box<dyn Fn(u16) + Send>;

/// A device being served. Dropping it ends the service: the socket goes, every application's
/// connection is closed and its channel freed.
pub struct Server {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Server {
    pub(crate) fn start(
        shared: Arc<Shared>,
        path: &Path,
        doorbell: Doorbell,
    ) -> Result<Self, DeviceError> {
        let os = || DeviceError::os("start the device's server");
        let listener = Listener::bind(path)?;
        let stop = Arc::new(new_eventfd().map_err(os())?);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(os())?;
        let limit = shared.region().channels().len() + CONNECTIONS_SPARE;
        let service = Service {
            shared,
            listener,
            epoll,
            doorbell,
            connections: HashMap::new(),
            next: FIRST_CONNECTION,
            limit,
        };
        service
            .watch(&service.listener.socket, LISTENER)
            .map_err(os())?;
        service.watch(&stop, STOP).map_err(os())?;
        let thread = std::thread::Builder::new()
            .name("offsched-node".into())
            .spawn(move || service.run())
            .map_err(|error| os()(Errno::from_io_error(&error).unwrap_or(Errno::AGAIN)))?;
        Ok(Self {
            stop,
            thread: Some(thread),
            path: path.to_owned(),
        })
    }

    /// Where it is served.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Service {
    shared: Arc<Shared>,
    listener: Listener,
    epoll: OwnedFd,
    doorbell: Doorbell,
    connections: HashMap<u64, Connection>,
    next: u64,
    limit: usize,
}

struct Connection {
    socket: OwnedFd,
    binding: Option<Binding>,
}

struct Binding {
    channel: u16,
    epoch: u16,
    doorbell: OwnedFd,
    /// Readable when its process has ended: only ours, so that closing it ends the watch.
    _end: Option<OwnedFd>,
}

impl Service {
    fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        'serve: loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => break,
            }
            for event in &events {
                let token = event.data.u64();
                match token {
                    STOP => break 'serve,
                    LISTENER => self.accept(),
                    token if token & DOORBELL != 0 => self.rung(token & !DOORBELL),
                    // A child of it may hold the connection on, and is no reason to keep the channel.
                    token if token & END != 0 => self.close(token & !END),
                    token => self.serve(token),
                }
            }
        }
        let tokens: Vec<u64> = self.connections.keys().copied().collect();
        for token in tokens {
            self.close(token);
        }
    }

    fn watch(&self, fd: &OwnedFd, token: u64) -> Result<(), Errno> {
        epoll::add(&self.epoll, fd, EventData::new_u64(token), EventFlags::IN)
    }

    /// Takes one connection; epoll tells of the next one again.
    fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(socket) = accept_with(&self.listener.socket, flags) else {
            return;
        };
        if self.connections.len() >= self.limit {
            let _ = wire::reply(&socket, &Reply::new(Status::NoResources), &[]);
            return;
        }
        let token = self.next;
        self.next += 1;
        if self.watch(&socket, token).is_ok() {
            self.connections.insert(
                token,
                Connection {
                    socket,
                    binding: None,
                },
            );
        }
    }

    /// A doorbell: empties it and tells the port.
    fn rung(&self, token: u64) {
        let Some(binding) = self
            .connections
            .get(&token)
            .and_then(|c| c.binding.as_ref())
        else {
            return;
        };
        let _ = rustix::io::read(&binding.doorbell, &mut [0_u8; 8]);
        (self.doorbell)(binding.channel);
    }

    /// Serves one packet of a connection, or its end.
    fn serve(&mut self, token: u64) {
        let Some(connection) = self.connections.get(&token) else {
            return;
        };
        let keep = match wire::receive(&connection.socket) {
            Incoming::Request(request) => self.answer(token, &request),
            Incoming::Malformed => {
                let _ = wire::reply(&connection.socket, &self.status(Status::Malformed), &[]);
                false
            }
            Incoming::Nothing => true,
            Incoming::HangUp => false,
        };
        if !keep {
            self.close(token);
        }
    }

    /// Answers a request. False if the connection is to be closed.
    fn answer(&mut self, token: u64, request: &Request) -> bool {
        match request.check() {
            Ok(OP_HELLO) => self.hello(token),
            Ok(OP_BIND) => self.bind(token, request),
            Ok(_) => self.refuse(token, Status::Malformed),
            Err(status) => self.refuse(token, status),
        }
    }

    fn hello(&self, token: u64) -> bool {
        self.send(
            token,
            &self.status(Status::Ok),
            &[self.shared.region_fd().as_fd()],
        )
    }

    fn bind(&mut self, token: u64, request: &Request) -> bool {
        let connection = self.connections.get(&token);
        let Some(connection) = connection.filter(|found| found.binding.is_none()) else {
            return self.refuse(token, Status::AlreadyBound);
        };
        let end = match peer::end_of(&connection.socket) {
            Err(Errno::SRCH) => return false,
            end => end,
        };
        let (Ok(doorbell), Ok(end)) = (new_eventfd(), end) else {
            return self.refuse(token, Status::NoResources);
        };
        let peer = || Peer::of(&connection.socket);
        match self.shared.bind(request, peer) {
            Ok(bound) => self.bound(token, &bound, doorbell, end),
            Err(status) => self.refuse(token, status),
        }
    }

    /// Notes a binding, tells the application and the port.
    fn bound(
        &mut self,
        token: u64,
        bound: &Bound,
        doorbell: OwnedFd,
        end: Option<OwnedFd>,
    ) -> bool {
        let reply = Reply {
            service: bound.service,
            channel: u32::from(bound.channel),
            channel_epoch: u32::from(bound.epoch),
            core_epoch: bound.core_epoch,
            ..self.status(Status::Ok)
        };
        let watched = self.watch(&doorbell, token | DOORBELL).is_ok()
            && end
                .as_ref()
                .is_none_or(|end| self.watch(end, token | END).is_ok());
        let fds = [bound.pages.as_fd(), bound.wake.as_fd(), doorbell.as_fd()];
        let sent = watched && self.send(token, &reply, &fds);
        let binding = Binding {
            channel: bound.channel,
            epoch: bound.epoch,
            doorbell,
            _end: end,
        };
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.binding = Some(binding);
        }
        (self.doorbell)(bound.channel);
        sent
    }

    fn refuse(&self, token: u64, status: Status) -> bool {
        let keep = !matches!(status, Status::Malformed | Status::WrongVersion);
        self.send(token, &self.status(status), &[]) && keep
    }

    /// A reply of that status with the core's state in it.
    fn status(&self, status: Status) -> Reply {
        let state = &self.shared.region().header().state;
        Reply {
            core_state: state.get() as u32,
            core_epoch: state.epoch(),
            ..Reply::new(status)
        }
    }

    fn send(&self, token: u64, reply: &Reply, fds: &[BorrowedFd<'_>]) -> bool {
        self.connections
            .get(&token)
            .is_some_and(|connection| wire::reply(&connection.socket, reply, fds).is_ok())
    }

    /// Ends a connection and frees its channel.
    fn close(&mut self, token: u64) {
        let Some(connection) = self.connections.remove(&token) else {
            return;
        };
        // The application may still hold these open, and epoll would go on telling of them.
        let _ = epoll::delete(&self.epoll, &connection.socket);
        if let Some(binding) = connection.binding {
            let _ = epoll::delete(&self.epoll, &binding.doorbell);
            self.shared.close(binding.channel, binding.epoch);
            (self.doorbell)(binding.channel);
        }
    }
}
