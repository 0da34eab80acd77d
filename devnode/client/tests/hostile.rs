//! Applications that lie, die, or ask for what they may not have.
#![allow(missing_docs)]

mod common;

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Image, LONG, Raw, path, spec};
use offsched_abi::channel::channel_bytes;
use offsched_abi::node::{OP_BIND, OP_HELLO, Request, Status};
use offsched_abi::region::{NAME_BYTES, name_bytes};
use offsched_client::Error;
use offsched_socket::{Device, DeviceError};
use rustix::fs::{Mode, OFlags};
use zerocopy::IntoBytes;

fn bind(name: &str) -> Request {
    Request::new(OP_BIND, name_bytes(name).unwrap())
}

fn status(image: &Image, request: &Request) -> Status {
    let (reply, fds) = Raw::connect(&image.path).ask(request).unwrap();
    assert!(fds.is_empty());
    Status::from_word(reply.status)
}

#[test]
fn wrong_requests_are_answered_and_hung_up() {
    let image = Image::start();
    let hello = Request::new(OP_HELLO, [0; NAME_BYTES]);
    assert_eq!(
        status(
            &image,
            &Request {
                abi_version: 99,
                ..hello
            }
        ),
        Status::WrongVersion
    );
    assert_eq!(
        status(
            &image,
            &Request {
                layout_hash: 1,
                ..hello
            }
        ),
        Status::WrongVersion
    );
    assert_eq!(
        status(&image, &Request { magic: 1, ..hello }),
        Status::Malformed
    );
    assert_eq!(
        status(&image, &Request { op: 77, ..hello }),
        Status::Malformed
    );
    assert_eq!(status(&image, &bind("nobody")), Status::NoService);
    // What only a binding has is zero in other requests; a name ends with its zeros.
    let named = Request {
        name: bind("echo").name,
        ..hello
    };
    assert_eq!(status(&image, &named), Status::Malformed);
    let typed = Request {
        tx_type: 1,
        ..hello
    };
    assert_eq!(status(&image, &typed), Status::Malformed);
    let mut long = bind("echo");
    long.name[10] = b'x';
    assert_eq!(status(&image, &long), Status::NoService);
    for bytes in [&hello.as_bytes()[..10], &[0; 4000], &[1]] {
        let raw = Raw::connect(&image.path);
        raw.send(bytes);
        assert_eq!(
            Status::from_word(raw.reply().unwrap().0.status),
            Status::Malformed
        );
        assert!(raw.reply().is_none(), "hung up");
    }
    // A handle is bound once.
    let raw = Raw::connect(&image.path);
    assert_eq!(raw.ask(&bind("echo")).unwrap().1.len(), 3);
    let again = raw.ask(&bind("echo")).unwrap().0;
    assert_eq!(Status::from_word(again.status), Status::AlreadyBound);
}

#[test]
fn errors_say_what_to_do() {
    let image = Image::start();
    let error = image.open().bind("ehco").err().unwrap();
    assert_eq!(
        error.to_string(),
        "no service `ehco`; the image has: echo, other"
    );
    let error = offsched_client::Device::open(path()).err().unwrap();
    assert!(matches!(error, Error::NoDevice { .. }), "{error}");
}

#[test]
fn one_device_at_a_path() {
    let image = Image::start();
    let second = Device::new(&spec()).unwrap();
    let error = second.serve(&image.path, |_| {}).err().unwrap();
    assert!(
        matches!(&error, DeviceError::InUse { path } if *path == image.path),
        "{error}"
    );
    // Whoever failed has not disturbed the first.
    image.open().bind("echo").unwrap();
    let place = image.path.clone();
    drop(image);
    // A stale socket, as a killed process leaves it.
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&place).unwrap());
    let server = second.serve(&place, |_| {}).unwrap();
    assert_eq!(server.path(), place);
    let error = offsched_client::Device::open(&place)
        .unwrap()
        .bind("echo")
        .err()
        .unwrap();
    assert!(
        matches!(error, Error::CoreGone { .. }),
        "not started: {error}"
    );
    drop(server);
    std::fs::remove_dir_all(place.parent().unwrap()).unwrap();
}

#[test]
fn declarations_that_cannot_work_are_refused() {
    let mut bad = spec();
    bad.services[1].tx_size = 1_000_000;
    let error = Device::new(&bad).err().unwrap();
    assert!(
        error
            .to_string()
            .starts_with("service `other`: messages of 1000000 bytes"),
        "{error}"
    );
    bad = spec();
    bad.services[1].name = "echo".into();
    assert!(matches!(
        Device::new(&bad).err(),
        Some(DeviceError::Service { .. })
    ));
}

/// A client finds no byte of the one before it, nor of anybody else.
#[test]
fn nothing_uninitialised_is_mapped() {
    let image = Image::start();
    let mut held = Vec::new();
    for round in 0..3 {
        let raw = Raw::connect(&image.path);
        let pages = raw.ask(&bind("echo")).unwrap().1.remove(0);
        let mut bytes = vec![0xff; channel_bytes(4096)];
        assert_eq!(rustix::io::pread(&pages, &mut bytes, 0), Ok(bytes.len()));
        let stained = bytes[4096..].iter().filter(|byte| **byte != 0).count();
        assert_eq!(stained, 0, "data in round {round}");
        // Stain it all for the next.
        rustix::io::pwrite(&pages, &bytes.iter().map(|_| 0xa5).collect::<Vec<_>>(), 0).unwrap();
        held.push(pages);
        drop(raw);
    }
    // The region, up to its last byte, is what the device has made, and as long as its header says.
    let raw = Raw::connect(&image.path);
    let hello = Request::new(OP_HELLO, [0; NAME_BYTES]);
    let region = raw.ask(&hello).unwrap().1.remove(0);
    let size = rustix::fs::fstat(&region).unwrap().st_size as u64;
    assert_eq!(size, image.device.header().tables().public_bytes);
}

#[test]
fn the_region_cannot_be_written_nor_a_channel_resized() {
    let image = Image::start();
    let raw = Raw::connect(&image.path);
    let region = raw
        .ask(&Request::new(OP_HELLO, [0; NAME_BYTES]))
        .unwrap()
        .1
        .remove(0);
    assert!(rustix::io::pwrite(&region, b"x", 0).is_err());
    let again = format!("/proc/self/fd/{}", region.as_raw_fd());
    if let Ok(writable) = rustix::fs::open(again, OFlags::RDWR, Mode::empty()) {
        assert!(rustix::io::pwrite(&writable, b"x", 0).is_err(), "sealed");
        assert!(rustix::fs::ftruncate(&writable, 0).is_err(), "sealed");
    }
    let pages = raw.ask(&bind("echo")).unwrap().1.remove(0);
    assert!(rustix::fs::ftruncate(&pages, 0).is_err(), "sealed");
    assert_eq!(
        rustix::fs::fstat(&pages).unwrap().st_size as usize,
        channel_bytes(4096)
    );
}

/// Writes anything anywhere in the pages, rings, and goes on until told to stop.
fn scribble(pages: &OwnedFd, doorbell: &OwnedFd, stop: &AtomicBool) -> u64 {
    let (mut seed, mut writes) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    while !stop.load(Ordering::Relaxed) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        // Half of the writes go where the words are, and look like indices of the epoch.
        let (at, word) = if seed & 1 == 0 {
            (
                (seed >> 8) % 96 * 8,
                (1 << 48) | (seed >> 20) & 0x0001_ff00_01ff,
            )
        } else {
            ((seed >> 8) % (channel_bytes(4096) as u64 / 8) * 8, seed)
        };
        rustix::io::pwrite(pages, &word.to_le_bytes(), at).unwrap();
        let _ = rustix::io::write(doorbell, &1_u64.to_ne_bytes());
        writes += 1;
    }
    writes
}

#[test]
fn a_neighbour_does_not_notice_a_client_that_scribbles_over_its_channel() {
    let image = Image::start();
    let mut neighbour = image.open().bind("echo").unwrap();
    let liar = Raw::connect(&image.path);
    let (_, fds) = liar.ask(&bind("other")).unwrap();
    let [pages, wake, doorbell]: [OwnedFd; 3] = fds.try_into().unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scribbler = scope.spawn(|| scribble(&pages, &doorbell, &stop));
        let mut buf = [0; 1024];
        // Long enough for the liar to be caught, and a while longer.
        let mut number = 0_u64;
        while number < 2000 || image.caught.load(Ordering::SeqCst) == 0 {
            let sum = number.wrapping_mul(0x2545_f491_4f6c_dd1d);
            neighbour
                .send(&[number.to_le_bytes(), sum.to_le_bytes()].concat())
                .unwrap();
            let len = neighbour
                .recv_timeout(&mut buf, LONG)
                .unwrap()
                .expect("an echo in time");
            assert_eq!(
                buf[..len],
                [number.to_le_bytes(), sum.to_le_bytes()].concat()
            );
            number += 1;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(scribbler.join().unwrap() > 0);
    });
    // The liar goes, but keeps its pages and eventfds: the next client does not notice either.
    drop(liar);
    let device = image.open();
    let mut next = loop {
        if let Ok(channel) = device.bind("other") {
            break channel;
        }
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let scribbler = scope.spawn(|| scribble(&pages, &doorbell, &stop));
        let mut buf = [0; 64];
        for number in 0..500_u64 {
            let _ = rustix::io::read(&wake, &mut [0; 8]);
            next.send(&number.to_le_bytes()).unwrap();
            assert_eq!(next.recv_timeout(&mut buf, LONG).unwrap(), Some(8));
            assert_eq!(buf[..8], number.to_le_bytes());
        }
        stop.store(true, Ordering::Relaxed);
        scribbler.join().unwrap();
    });
}

/// An application killed between writing and publishing: its channel serves the next.
#[test]
fn a_client_that_dies_in_the_middle_leaves_nothing() {
    let image = Image::start();
    let dying = Raw::connect(&image.path);
    let (_, fds) = dying.ask(&bind("other")).unwrap();
    // Half a frame: a header that promises more than there is, and an index past it.
    rustix::io::pwrite(&fds[0], &1000_u64.to_le_bytes(), 4096).unwrap();
    rustix::io::pwrite(&fds[0], &((1_u64 << 48) | 3).to_le_bytes(), 256).unwrap();
    rustix::io::write(&fds[2], &1_u64.to_ne_bytes()).unwrap();
    drop((dying, fds));
    let device = image.open();
    let mut next = loop {
        if let Ok(channel) = device.bind("other") {
            break channel;
        }
    };
    next.send(b"whole").unwrap();
    let mut buf = [0; 8];
    assert_eq!(next.recv_timeout(&mut buf, LONG).unwrap(), Some(5));
}
