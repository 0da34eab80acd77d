//! A device in this process with a thread that plays the core, and an application that speaks the
//! protocol by hand.
#![allow(dead_code, missing_docs)]

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use offsched_abi::channel::{CoreEnd, Link};
use offsched_abi::message::MessageType;
use offsched_abi::node::{NODE_MAGIC, Reply, Request};
use offsched_abi::ring::{RecvError, SendError};
use offsched_socket::{Device, DeviceSpec, Server, ServiceSpec};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendFlags, SocketAddrUnix, SocketType, connect, recvmsg, sendmsg, socket,
};
use zerocopy::{FromZeros, IntoBytes};

/// Longest that a test waits for what must come at once, before it fails.
pub const LONG: Duration = Duration::from_secs(60);

/// A path of this test's own.
pub fn path() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("offsched-test-{}-{count}", std::process::id());
    std::env::temp_dir().join(name).join("test.sock")
}

pub fn spec() -> DeviceSpec {
    let service = |name: &str, clients| ServiceSpec {
        name: name.into(),
        clients,
        ring_bytes: 4096,
        rx_size: 1024,
        tx_size: 1024,
        rx_type: MessageType::default(),
        tx_type: MessageType::default(),
    };
    DeviceSpec {
        name: "test".into(),
        services: vec![service("echo", 2), service("other", 1)],
        tasks: 3,
        limits: Vec::new(),
    }
}

/// A device with an echo service on every channel.
pub struct Image {
    pub device: Device,
    pub server: Option<Server>,
    pub path: PathBuf,
    bell: Sender<()>,
    stop: Arc<AtomicBool>,
    /// Liars caught on any channel.
    pub caught: Arc<AtomicU64>,
    core: Option<JoinHandle<()>>,
}

impl Image {
    pub fn start() -> Self {
        Self::start_as(&spec())
    }

    pub fn start_as(spec: &DeviceSpec) -> Self {
        let path = path();
        let device = Device::new(spec).unwrap();
        device.header().state.begin().unwrap();
        let (bell, rung) = channel();
        let doorbell = bell.clone();
        let server = device
            .serve(&path, move |_| {
                let _ = doorbell.send(());
            })
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let caught = Arc::new(AtomicU64::new(0));
        let core = {
            let (device, stop, caught) = (device.clone(), Arc::clone(&stop), Arc::clone(&caught));
            std::thread::spawn(move || echo(&device, &rung, &stop, &caught))
        };
        device.header().state.run().unwrap();
        Self {
            device,
            server: Some(server),
            path,
            bell,
            stop,
            caught,
            core: Some(core),
        }
    }

    pub fn open(&self) -> offsched_client::Device {
        offsched_client::Device::open(&self.path).unwrap()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.server = None;
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.bell.send(());
        let core = self.core.take().unwrap().join();
        // Fails where a test has put a server of its own at the path; it cleans up itself.
        let _ = std::fs::remove_file(self.path.with_extension("sock.lock"));
        let _ = self.path.parent().map(std::fs::remove_dir);
        if !std::thread::panicking() {
            core.unwrap();
        }
    }
}

/// The core: sends back what it receives, and sleeps when nothing is to be done.
fn echo(device: &Device, rung: &Receiver<()>, stop: &AtomicBool, caught: &AtomicU64) {
    let mut ends: Vec<Echo<'_>> = (0..device.channels() as u16)
        .map(|channel| Echo {
            end: device.core_end(channel).unwrap(),
            channel,
            held: None,
        })
        .collect();
    while !stop.load(Ordering::SeqCst) {
        for end in &mut ends {
            end.turn(device);
        }
        caught.store(
            ends.iter()
                .map(|end| u64::from(end.end.corruptions()))
                .sum(),
            Ordering::SeqCst,
        );
        let idle = ends.iter_mut().all(|end| end.rest());
        if idle && rung.recv_timeout(LONG).is_err() {
            return;
        }
        for end in &ends {
            end.end.awake();
        }
    }
}

struct Echo<'a> {
    end: CoreEnd<'a>,
    channel: u16,
    /// A message that found no room yet.
    held: Option<Vec<u8>>,
}

impl Echo<'_> {
    /// A bounded share of work.
    fn turn(&mut self, device: &Device) {
        if matches!(self.end.look(), Link::Opened | Link::Lost) {
            self.held = None;
        }
        let mut buf = [0; 4096];
        for _ in 0..16 {
            let message = match self.held.take() {
                Some(message) => message,
                None => match self.end.try_recv(&mut buf) {
                    Ok(len) => {
                        if self.end.room_wanted() {
                            device.ring(self.channel);
                        }
                        buf[..len].to_vec()
                    }
                    Err(RecvError::Empty | RecvError::Closed | RecvError::PeerCorrupt) => return,
                    Err(error) => panic!("{error}"),
                },
            };
            match self.end.try_send(&message) {
                Ok(sent) if sent.ring_doorbell => device.ring(self.channel),
                Ok(_) | Err(SendError::Closed | SendError::PeerCorrupt) => {}
                Err(SendError::TooLong { .. } | SendError::OtherLength { .. }) => {}
                Err(SendError::Full) => {
                    self.held = Some(message);
                    return;
                }
            }
        }
    }

    /// True if there is nothing to do until the doorbell.
    fn rest(&mut self) -> bool {
        // For room the core looks again and again. A corrupt or closed channel has nothing to wait for but a new
        // client, who rings.
        self.held.is_none() && (self.end.sleep_until_mail() || self.quiet())
    }

    fn quiet(&mut self) -> bool {
        let link = self.end.look();
        match link {
            Link::Closed => true,
            Link::Open => self.end.has_mail() && self.end.is_corrupt(),
            Link::Lost | Link::Opened => false,
        }
    }
}

/// Speaks the protocol by hand.
pub struct Raw(pub OwnedFd);

impl Raw {
    pub fn connect(path: &Path) -> Self {
        let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
        Self(socket)
    }

    pub fn send(&self, bytes: &[u8]) {
        let mut nothing = SendAncillaryBuffer::new(&mut []);
        sendmsg(
            &self.0,
            &[IoSlice::new(bytes)],
            &mut nothing,
            SendFlags::NOSIGNAL,
        )
        .unwrap();
    }

    /// The reply and its descriptors; `None` at the end of the connection.
    pub fn reply(&self) -> Option<(Reply, Vec<OwnedFd>)> {
        let mut reply = Reply::new_zeroed();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [IoSliceMut::new(reply.as_mut_bytes())];
        let len = recvmsg(&self.0, &mut bytes, &mut ancillary, RecvFlags::empty())
            .unwrap()
            .bytes;
        if len == 0 {
            return None;
        }
        assert_eq!((len, reply.magic), (size_of::<Reply>(), NODE_MAGIC));
        let fds = ancillary.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        Some((reply, fds.collect()))
    }

    pub fn ask(&self, request: &Request) -> Option<(Reply, Vec<OwnedFd>)> {
        self.send(request.as_bytes());
        self.reply()
    }
}
