//! What user space is told of cores without asking: uevents, and `poll` of a state in sysfs.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use offsched_drills::echo::CRASH;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, Timespec};
use rustix::io::Errno;
use rustix::io::write;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use zerocopy::IntoBytes;

use crate::Outcome;
use crate::case::Case;
use crate::node::{bound, call};
use crate::rig::Rig;

const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than any event.
const EVENT: usize = 8192;

pub fn cases() -> Vec<Case> {
    vec![Case::new("changes of state are told", told)]
}

/// Each of a core's three states: by an event, and to who polls.
fn told(rig: &Rig) -> Outcome {
    // A CPU has its folder from its first image on.
    rig.start("quiet")?.give_back()?;
    let events = Events::listen()?;
    let state = StateFile::open(rig.cpu)?;
    state.shows("offline")?;
    let core = rig.start("echoes")?;
    events.next_is(rig.cpu, "running")?;
    state.changed_to("running")?;
    let (handle, _) = bound(OFlags::empty())?;
    call("write", write(&handle, [CRASH, 0, 0, 0].as_bytes()))?;
    events.next_is(rig.cpu, "crashed")?;
    state.changed_to("crashed")?;
    core.give_back()?;
    events.next_is(rig.cpu, "offline")?;
    state.changed_to("offline")
}

fn for_a_while() -> Timespec {
    Timespec {
        tv_sec: PATIENCE.as_secs() as i64,
        tv_nsec: 0,
    }
}

/// The kernel's events, from here on.
struct Events {
    socket: OwnedFd,
}

impl Events {
    fn listen() -> Result<Self, String> {
        /// The kernel's own, before udev has seen them.
        const KERNEL: u32 = 1;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let family = AddressFamily::NETLINK;
        let socket = socket_with(family, SocketType::DGRAM, flags, Some(KOBJECT_UEVENT));
        let socket = call("a socket for events", socket)?;
        call("bind it", bind(&socket, &SocketAddrNetlink::new(0, KERNEL)))?;
        Ok(Self { socket })
    }

    /// That the next one about a CPU's core says this state.
    fn next_is(&self, cpu: u32, state: &str) -> Outcome {
        let device = format!("DEVPATH=/devices/virtual/offsched/cpu{cpu}");
        let wanted = format!("OFFSCHED_STATE={state}");
        let begin = Instant::now();
        loop {
            let words = self.next(&wanted)?;
            let has = |word: &str| words.iter().any(|found| found == word);
            if has(&device) {
                return if has("ACTION=change") && has("SUBSYSTEM=offsched") && has(&wanted) {
                    Ok(())
                } else {
                    Err(format!("not {wanted}, but {words:?}"))
                };
            }
            if begin.elapsed() > PATIENCE {
                return Err(format!("no event {wanted}"));
            }
        }
    }

    /// Its words.
    fn next(&self, wanted: &str) -> Result<Vec<String>, String> {
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        if call("poll", poll(&mut fds, Some(&for_a_while())))? == 0 {
            return Err(format!("no event {wanted}"));
        }
        let mut bytes = [0; EVENT];
        let (len, _) = match recv(&self.socket, &mut bytes[..], RecvFlags::empty()) {
            // Some were lost: what is waited for may be among the rest.
            Err(Errno::NOBUFS) => (0, 0),
            other => call("recv", other)?,
        };
        let words = bytes[..len].split(|byte| *byte == 0);
        Ok(words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect())
    }
}

/// A core's state in sysfs, open.
struct StateFile {
    file: File,
}

impl StateFile {
    fn open(cpu: u32) -> Result<Self, String> {
        let path = format!("/sys/class/offsched/cpu{cpu}/state");
        let file = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
        Ok(Self { file })
    }

    /// Reads it, which also is what the next poll counts from.
    fn shows(&self, wanted: &str) -> Outcome {
        let mut bytes = [0; 64];
        let len = self.file.read_at(&mut bytes, 0);
        let len = len.map_err(|error| format!("state: {error}"))?;
        match String::from_utf8_lossy(&bytes[..len]).trim_end() {
            found if found == wanted => Ok(()),
            found => Err(format!("state is {found}, not {wanted}")),
        }
    }

    /// That who polls since the last look is woken, and by what.
    fn changed_to(&self, wanted: &str) -> Outcome {
        let mut fds = [PollFd::new(&self.file, PollFlags::PRI)];
        if call("poll", poll(&mut fds, Some(&for_a_while())))? == 0 {
            return Err(format!("nobody who polls is told: {wanted}"));
        }
        self.shows(wanted)
    }
}
