//! Messages through a device: order, contents, sleeping, and channels that come and go.
#![allow(missing_docs)]

mod common;

use std::time::Duration;

use common::{Image, LONG};
use offsched_client::Error;

fn message(number: u32) -> Vec<u8> {
    let len = (number * 37 % 1000) as usize;
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend((0..len).map(|at| (number as usize * 31 + at) as u8));
    bytes.truncate(1024);
    bytes
}

/// Streams messages through the echo and compares; at most a few are under way.
fn stream(channel: &mut offsched_client::Channel, count: u32) {
    let mut buf = [0; 1024];
    let (mut sent, mut got) = (0, 0);
    while got < count {
        while sent < count && sent < got + 3 {
            channel.send(&message(sent)).unwrap();
            sent += 1;
        }
        let len = channel
            .recv_timeout(&mut buf, LONG)
            .unwrap()
            .expect("an echo in time");
        assert_eq!(buf[..len], message(got), "message {got}");
        got += 1;
    }
}

#[test]
fn messages_keep_order_and_content_with_both_sides_sleeping() {
    let image = Image::start();
    stream(&mut image.open().bind("echo").unwrap(), 3000);
    assert_eq!(image.caught.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn back_pressure_loses_nothing() {
    let image = Image::start();
    let mut channel = image.open().bind("echo").unwrap();
    let mut buf = [0; 1024];
    let (mut sent, mut got) = (0_u32, 0_u32);
    while got < 200 {
        // Until both rings are full, and the core holds one more.
        let mut next = vec![7; 1000];
        next[..4].copy_from_slice(&sent.to_le_bytes());
        match channel.try_send(&next) {
            Ok(()) => sent += 1,
            Err(Error::Full) => {
                let len = channel
                    .recv_timeout(&mut buf, LONG)
                    .unwrap()
                    .expect("an echo in time");
                assert_eq!((len, &buf[..4]), (1000, &got.to_le_bytes()[..]));
                got += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(sent > got);
}

#[test]
fn batches_and_typed_messages() {
    let image = Image::start();
    let mut channel = image.open().bind("echo").unwrap();
    assert_eq!(channel.send_batch(&[b"one", b"two", b"three"]).unwrap(), 3);
    let mut buf = [0; 1024];
    for expected in ["one", "two", "three"] {
        let len = channel.recv(&mut buf).unwrap();
        assert_eq!(&buf[..len], expected.as_bytes());
    }
    channel.send_msg(&[1_u32, 2, 3]).unwrap();
    assert_eq!(channel.recv_msg::<[u32; 3]>(LONG).unwrap(), Some([1, 2, 3]));
    channel.send_msg(&2_u8).unwrap();
    let result = channel.recv_msg::<bool>(LONG);
    assert!(
        matches!(result, Err(Error::NotThatType { len: 1 })),
        "{result:?}"
    );
    assert!(matches!(
        channel.try_send(&[0; 1025]),
        Err(Error::TooLong {
            len: 1025,
            max: 1024
        })
    ));
    assert_eq!(
        channel.recv_timeout(&mut buf, Duration::ZERO).unwrap(),
        None
    );
    channel.send(b"four").unwrap();
    while channel.recv_timeout(&mut buf[..2], LONG).is_ok() {}
    assert_eq!(
        channel.recv(&mut buf).unwrap(),
        4,
        "kept when the buffer was too small"
    );
}

#[test]
fn close_frees_the_channel_and_the_next_client_finds_it_clean() {
    let image = Image::start();
    let device = image.open();
    let mut first = device.bind("other").unwrap();
    let error = device.bind("other").err().unwrap();
    assert!(
        matches!(&error, Error::AllTaken { name } if name == "other"),
        "{error}"
    );
    // Leave echoes unread.
    for _ in 0..3 {
        first.send(b"for the first only").unwrap();
    }
    first.close();
    let mut second = device.bind("other").unwrap();
    second.send(b"hello").unwrap();
    let mut buf = [0; 64];
    let len = second.recv_timeout(&mut buf, LONG).unwrap().unwrap();
    assert_eq!(&buf[..len], b"hello");
    // A dropped channel is freed too, if not at once.
    drop(second);
    let mut third = loop {
        match device.bind("other") {
            Ok(channel) => break channel,
            Err(error) => assert!(matches!(error, Error::AllTaken { .. }), "{error}"),
        }
    };
    stream(&mut third, 100);
}

#[test]
fn a_binding_waits_until_another_gives_its_channel_back() {
    let image = Image::start();
    let device = image.open();
    let first = device.bind("other").unwrap();
    let error = device.bind_timeout("other", Duration::from_millis(5));
    assert!(matches!(error.err(), Some(Error::AllTaken { .. })));
    let waits = std::thread::spawn({
        let device = device.clone();
        move || device.bind_timeout("other", LONG)
    });
    // It waits by then, most likely; the test holds if it does not.
    std::thread::sleep(Duration::from_millis(50));
    first.close();
    stream(&mut waits.join().unwrap().unwrap(), 10);
    let error = device.bind_timeout("nobody", LONG).err().unwrap();
    assert!(matches!(error, Error::NoService { .. }), "at once: {error}");
}

#[test]
fn rebind_after_the_device_closed_the_channel() {
    let image = Image::start();
    let mut channel = image.open().bind("other").unwrap();
    stream(&mut channel, 10);
    image.device.close_all();
    let error = channel.recv(&mut [0; 8]).unwrap_err();
    assert!(matches!(error, Error::Closed), "{error}");
    channel.rebind().unwrap();
    stream(&mut channel, 10);
}

#[test]
fn many_clients_one_after_the_other() {
    let image = Image::start();
    let device = image.open();
    for _ in 0..200 {
        let mut channel = device.bind("other").unwrap();
        stream(&mut channel, 3);
        channel.close();
    }
}
