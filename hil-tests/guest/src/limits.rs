//! Who may bind what, and as what: groups, types of messages, and waits that
//! end.

use std::os::fd::OwnedFd;
use std::time::Duration;

use offsched_abi::message::MessageType;
use offsched_abi::node::{BIND_WAIT, Bind};
use offsched_abi::region::name_bytes;
use offsched_client::Error;
use offsched_device::ImageFile;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use crate::Outcome;
use crate::case::Case;
use crate::raw;
use crate::rig::{NODE, Rig};
use crate::rights::with_open_node;

const GROUP: u32 = 12_345;
const OTHER_GROUP: u32 = 12_346;
const STRANGER: u32 = 54_321;
/// What the echo receives and sends.
type Words = [u64; 4];

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a service for the members of two groups", members),
        Case::new("a limit of no service", nobodys),
        Case::new("messages of other types", types),
        Case::new("a wait for a channel ends", waits),
    ]
}

/// Binds; the handle must be kept.
fn bind(request: Bind) -> Result<OwnedFd, Errno> {
    let (handle, mut bind) = (raw::open(OFlags::RDWR)?, request);
    raw::bind(&handle, &mut bind)?;
    Ok(handle)
}

fn echo() -> Bind {
    Bind::new(name_bytes("echo").unwrap_or_default())
}

fn want(what: &str, result: Result<OwnedFd, Errno>, errno: Errno) -> Outcome {
    match result {
        Err(found) if found == errno => Ok(()),
        other => Err(format!("{what}: {other:?}, not {errno}")),
    }
}

fn well(what: &str, result: Result<OwnedFd, Errno>) -> Outcome {
    result.map(drop).map_err(|errno| format!("{what}: {errno}"))
}

/// On a thread that is another user: credentials are a thread's own.
fn as_user<T: Send + 'static>(
    [group, supplementary]: [u32; 2],
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let user = std::thread::spawn(move || {
        set_thread_groups(&[Gid::from_raw(supplementary)])?;
        set_thread_gid(Gid::from_raw(group))?;
        set_thread_uid(Uid::from_raw(STRANGER))?;
        Ok::<_, Errno>(call())
    });
    let result = user.join().map_err(|_| "the user's thread panicked")?;
    result.map_err(|errno| format!("become another user: {errno}"))
}

fn members(rig: &Rig) -> Outcome {
    let limits = [("echo", GROUP), ("echo", OTHER_GROUP)];
    let core = rig.start_limited("echoes", &limits)?;
    with_open_node(|| {
        let try_as = |groups| as_user(groups, || bind(echo()));
        want("a stranger", try_as([STRANGER; 2])?, Errno::PERM)?;
        well("a member", try_as([GROUP, STRANGER])?)?;
        well("a member beside", try_as([STRANGER, OTHER_GROUP])?)?;
        let sentence = as_user([STRANGER; 2], || {
            let device = offsched_client::Device::open(NODE)?;
            device.bind("echo").map(drop)
        })?;
        match sentence {
            Err(Error::NotAllowed { name }) if name == "echo" => Ok(()),
            other => Err(format!("the library: {other:?}")),
        }
    })?;
    well("root", bind(echo()))?;
    core.give_back()?;
    // A limit is a run's, not the node's.
    let core = rig.start("echoes")?;
    with_open_node(|| well("nothing limited", as_user([STRANGER; 2], || bind(echo()))?))?;
    core.give_back()
}

fn nobodys(rig: &Rig) -> Outcome {
    let file = rig.image("echoes")?;
    let image = ImageFile::parse(&file).map_err(|error| error.to_string())?;
    let device = rig.device()?;
    let call = |what: &str, result: std::io::Result<()>| {
        result.map_err(|error| format!("{what}: {error}"))
    };
    call("load", device.load(rig.cpu, &image))?;
    call("limit", device.limit("ehco", GROUP))?;
    let refused = |result: std::io::Result<()>, errno: Errno| match result {
        Err(error) if Errno::from_io_error(&error) == Some(errno) => Ok(()),
        other => Err(format!("{other:?}, not {errno}")),
    };
    refused(device.start(), Errno::NOENT)?;
    rig.check_returned()?;
    refused(device.limit("echo", GROUP), Errno::INVAL)?;
    call("load", device.load(rig.cpu, &image))?;
    refused(device.limit("echo", u32::MAX), Errno::INVAL)?;
    for gid in 0..256 {
        call("limit", device.limit("echo", gid))?;
    }
    refused(device.limit("echo", 256), Errno::NOSPC)
}

fn types(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let words = MessageType::of::<Words>().id;
    let stated = |rx_type, tx_type| Bind {
        rx_type,
        tx_type,
        ..echo()
    };
    want("to the core", bind(stated(1, words)), Errno::PROTOTYPE)?;
    want("from the core", bind(stated(words, 1)), Errno::PROTOTYPE)?;
    well("both", bind(stated(words, words)))?;
    well("one", bind(stated(0, words)))?;
    let device = offsched_client::Device::open(NODE).map_err(|error| error.to_string())?;
    let typed = device.bind_typed::<Words, Words>("echo");
    typed.map_err(|error| error.to_string())?.close();
    let error = match device.bind_typed::<Words, [u32; 8]>("echo") {
        Err(error @ Error::WrongType { .. }) => error.to_string(),
        Err(error) => return Err(error.to_string()),
        Ok(_) => return Err("bound with other types".to_owned()),
    };
    core.give_back()?;
    if error.contains("[u64;4] (") && error.contains("[u32;8] (") {
        Ok(())
    } else {
        Err(error)
    }
}

fn waits(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let all: Vec<_> = (0..3).map(|_| bind(echo())).collect();
    let waiting = |wait_ms| Bind {
        flags: BIND_WAIT,
        wait_ms,
        ..echo()
    };
    let unasked = Bind {
        flags: 0,
        ..waiting(1)
    };
    want("a time without a wait", bind(unasked), Errno::INVAL)?;
    want("a short wait", bind(waiting(20)), Errno::BUSY)?;
    let device = offsched_client::Device::open(NODE).map_err(|error| error.to_string())?;
    match device.bind_timeout("echo", Duration::from_millis(20)) {
        Err(Error::AllTaken { .. }) => {}
        Err(error) => return Err(error.to_string()),
        Ok(_) => return Err("bound where all is taken".to_owned()),
    }
    let waiter = std::thread::spawn(move || {
        let bound = device.bind_timeout("echo", Duration::from_secs(60));
        bound.map(|channel| channel.index())
    });
    std::thread::sleep(Duration::from_millis(50));
    drop(all);
    let index = waiter.join().map_err(|_| "the waiter panicked")?;
    index.map_err(|error| format!("the waiter: {error}"))?;
    core.give_back()
}
