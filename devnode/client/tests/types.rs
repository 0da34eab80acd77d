//! Messages of other types, services of other users, and many messages at a time.
#![allow(missing_docs)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use common::{Image, LONG, spec};
use offsched_abi::message::{Message, MessageType};
use offsched_client::Error;
use offsched_socket::{Device, DeviceError, DeviceSpec, Limit};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

#[derive(offsched_client::Message)]
#[message(crate = offsched_client)]
#[repr(C)]
struct Order {
    _kind: u32,
    _id: u32,
}

/// As another version of the program has it.
mod other {
    #[derive(offsched_client::Message)]
    #[message(crate = offsched_client)]
    #[repr(C)]
    pub struct Order {
        _id: u32,
        _kind: u32,
    }
}

/// Orders to "echo"; "other" states nothing.
fn typed() -> DeviceSpec {
    let mut spec = spec();
    let echo = &mut spec.services[0];
    (echo.rx_type, echo.rx_size) = (MessageType::of::<Order>(), size_of::<Order>() as u32);
    (echo.tx_type, echo.tx_size) = (MessageType::of::<[u64; 1]>(), 8);
    spec
}

/// Also where the sender states no type.
#[test]
fn a_message_of_another_size_than_its_type_is_refused() {
    let image = Image::start_as(&typed());
    let mut channel = image.open().bind("echo").unwrap();
    for len in [0, 7, 9] {
        let error = channel.try_send(&[0; 9][..len]).unwrap_err();
        let said = matches!(error, Error::WrongLength { len: l, wanted: 8 } if l == len);
        assert!(said, "{error}");
    }
    assert!(channel.send_batch(&[&[0; 8], &[0; 7]]).is_err());
    assert!(channel.try_send_msgs(&[0_u32]).is_err());
    // None of it went.
    channel.send(&[5; 8]).unwrap();
    let mut buf = [0; 16];
    assert_eq!(channel.recv_timeout(&mut buf, LONG).unwrap(), Some(8));
    assert_eq!(buf[..8], [5; 8]);
    assert_eq!(channel.try_recv(&mut buf).unwrap(), None);
}

#[test]
fn a_binding_with_other_types_is_refused_in_words_that_name_them() {
    let image = Image::start_as(&typed());
    let device = image.open();
    let mut channel = device.bind_typed::<Order, [u64; 1]>("echo").unwrap();
    channel.rebind().unwrap();
    let wrong = device.bind_typed::<other::Order, [u64; 1]>("echo");
    let error = wrong.err().unwrap();
    assert!(matches!(error, Error::WrongType { .. }), "{error}");
    let (ours, theirs) = (
        MessageType::of::<other::Order>(),
        MessageType::of::<Order>(),
    );
    let answers = MessageType::of::<[u64; 1]>();
    assert_eq!(
        error.to_string(),
        format!(
            "service `echo` has other messages: to and from the core it has {theirs} and {answers}, \
             this program {ours} and {answers}; build both from the same sources"
        )
    );
    let wrong = device.bind_typed::<Order, [u64; 3]>("echo").err().unwrap();
    assert!(matches!(wrong, Error::WrongType { .. }), "{wrong}");
    // Raw bytes go as before, and who states types is refused where the service states none.
    device.bind("echo").unwrap().send(b"whatever").unwrap();
    let error = device.bind_typed::<u8, u8>("other").err().unwrap();
    assert!(
        error.to_string().contains("of a type not stated"),
        "{error}"
    );
    let names: Vec<_> = device
        .services()
        .iter()
        .map(|service| (service.rx_type.name().to_owned(), service.tx_type.id))
        .collect();
    assert_eq!(names[0], ("Order".to_owned(), answers.id));
    assert_eq!(names[1], (String::new(), 0));
    assert_eq!(Order::SHAPE.to_string(), "Order{_kind@0:u32,_id@4:u32}8");
}

/// Waits where all are taken, and for nothing else.
#[test]
fn a_binding_with_types_waits_for_a_channel() {
    let image = Image::start_as(&typed());
    let device = image.open();
    let soon = Duration::from_millis(5);
    let first = device.bind_typed_timeout::<Order, [u64; 1]>("echo", soon);
    let (first, _second) = (first.unwrap(), device.bind("echo").unwrap());
    let error = device.bind_typed_timeout::<Order, [u64; 1]>("echo", soon);
    assert!(matches!(error.err(), Some(Error::AllTaken { .. })));
    let error = device.bind_typed_timeout::<Order, Order>("echo", LONG);
    let error = error.err().unwrap();
    assert!(matches!(error, Error::WrongType { .. }), "at once: {error}");
    let waits = std::thread::spawn({
        let device = device.clone();
        move || device.bind_typed_timeout::<Order, [u64; 1]>("echo", LONG)
    });
    // It waits by then, most likely; the test holds if it does not.
    std::thread::sleep(Duration::from_millis(50));
    first.close();
    waits.join().unwrap().unwrap().send(b"whatever").unwrap();
}

const GROUP: u32 = 12_345;
const STRANGER: u32 = 54_321;

fn limited() -> DeviceSpec {
    let limit = |gid| Limit {
        service: "echo".into(),
        gid,
    };
    DeviceSpec {
        limits: vec![limit(GROUP), limit(GROUP + 1)],
        ..spec()
    }
}

/// Binds on a thread that is another user: credentials are a thread's own.
fn bind_as(path: &Path, groups: [u32; 2], service: &'static str) -> Result<(), Error> {
    let path = path.to_owned();
    let user = std::thread::spawn(move || {
        let [group, supplementary] = groups.map(Gid::from_raw);
        set_thread_groups(&[supplementary]).unwrap();
        set_thread_gid(group).unwrap();
        set_thread_uid(Uid::from_raw(STRANGER)).unwrap();
        let device = offsched_client::Device::open(&path)?;
        device.bind(service).map(drop)
    });
    user.join().unwrap()
}

#[test]
fn a_service_of_a_group_is_for_its_members() {
    let image = Image::start_as(&limited());
    if !rustix::process::geteuid().is_root() {
        let mine = rustix::process::getgroups().unwrap();
        assert!(!mine.contains(&Gid::from_raw(GROUP)));
        let error = image.open().bind("echo").err().unwrap();
        assert!(matches!(error, Error::NotAllowed { .. }), "{error}");
        image.open().bind("other").unwrap();
        return;
    }
    // Root may, and may be others.
    image.open().bind("echo").unwrap().close();
    let everybody = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap()
    };
    everybody(&image.path, 0o777);
    everybody(image.path.parent().unwrap(), 0o755);
    let refused = bind_as(&image.path, [STRANGER; 2], "echo").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "service `echo` is not for this user: it was limited to a group when the core was started"
    );
    bind_as(&image.path, [STRANGER; 2], "other").unwrap();
    bind_as(&image.path, [GROUP, STRANGER], "echo").unwrap();
    bind_as(&image.path, [STRANGER, GROUP + 1], "echo").unwrap();
}

#[test]
fn a_limit_of_no_service_is_refused() {
    let mut spec = limited();
    spec.limits[1].service = "ehco".into();
    let error = Device::new(&spec).err().unwrap();
    assert!(matches!(error, DeviceError::Service { .. }));
    assert_eq!(
        error.to_string(),
        "service `ehco`: it is limited to a group, but is not there; the image has: echo, other"
    );
}

#[test]
fn many_messages_go_and_come_at_a_time() {
    let image = Image::start();
    let mut channel = image.open().bind("echo").unwrap();
    assert_eq!(channel.try_recv_msgs(&mut [0_u32; 4]).unwrap(), 0);
    // More than a ring takes: in order, without one lost or twice.
    let all: Vec<[u32; 5]> = (0..2_000).map(|n| [n, !n, 1, 2, 3]).collect();
    let (mut sent, mut got) = (0, Vec::new());
    let mut batches = 0;
    while got.len() < all.len() {
        match channel.try_send_msgs(&all[sent..]) {
            Ok(count) => {
                assert!(count > 0 || sent == all.len());
                batches += usize::from(count > 1);
                sent += count;
            }
            Err(error) => assert!(matches!(error, Error::Full), "{error}"),
        }
        let mut more = [[0; 5]; 64];
        let count = channel.try_recv_msgs(&mut more).unwrap();
        got.extend_from_slice(&more[..count]);
        if count == 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
    assert!(got == all && batches > 1);
    assert!(matches!(
        channel.try_send_msgs(&[[0_u8; 1025]]),
        Err(Error::TooLong { len: 1025, .. })
    ));
    // A message of another length ends a batch, stays, and is said to be there.
    channel.try_send_msgs(&[1_u64, 2]).unwrap();
    channel.send(b"odd").unwrap();
    let mut numbers = [0_u64; 4];
    let mut came = Vec::new();
    let odd = loop {
        match channel.try_recv_msgs(&mut numbers) {
            Ok(count) => came.extend_from_slice(&numbers[..count]),
            Err(error) => break error,
        }
    };
    assert!(matches!(odd, Error::NotThatType { len: 3 }), "{odd}");
    assert_eq!(came, [1, 2]);
    let mut buf = [0; 8];
    assert_eq!(channel.recv_timeout(&mut buf, LONG).unwrap(), Some(3));
}

/// The core here sleeps whenever it has nothing to do.
#[test]
fn messages_published_for_later_wake_the_core_in_time() {
    let image = Image::start();
    let mut channel = image.open().bind("echo").unwrap();
    let mut buf = [0; 8];
    for flush in [true, false] {
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(channel.publish_msgs(&[7_u64]).unwrap(), 1);
        if flush {
            channel.flush();
            while channel.try_recv(&mut buf).unwrap().is_none() {}
        } else {
            // Who waits has flushed.
            assert_eq!(channel.recv_timeout(&mut buf, LONG).unwrap(), Some(8));
        }
        assert_eq!(u64::from_ne_bytes(buf), 7);
    }
    // Nobody flushes, but a full ring does.
    std::thread::sleep(Duration::from_millis(20));
    let all: Vec<u64> = (0..2_000).collect();
    let (mut sent, mut got) = (0, Vec::new());
    while got.len() < all.len() {
        match channel.publish_msgs(&all[sent..]) {
            Ok(count) => sent += count,
            Err(error) => assert!(matches!(error, Error::Full), "{error}"),
        }
        if sent == all.len() {
            channel.flush();
        }
        let mut more = [0; 64];
        let count = channel.try_recv_msgs(&mut more).unwrap();
        got.extend_from_slice(&more[..count]);
    }
    assert_eq!(got, all);
}
