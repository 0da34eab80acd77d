//! The core comes and goes.
#![allow(missing_docs)]

mod common;

use common::{Image, LONG};
use offsched_abi::header::TimeScale;
use offsched_client::{Error, State};

fn blocked_reader(image: &Image) -> std::thread::JoinHandle<(offsched_client::Channel, Error)> {
    let mut channel = image.open().bind("echo").unwrap();
    std::thread::spawn(move || {
        let error = channel.recv(&mut [0; 8]).unwrap_err();
        (channel, error)
    })
}

#[test]
fn a_blocked_reader_learns_that_the_core_stopped_and_binds_again() {
    let image = Image::start();
    let reader = blocked_reader(&image);
    image.device.header().state.stop().unwrap();
    image.device.ring_all();
    let (mut channel, error) = reader.join().unwrap();
    assert!(
        matches!(
            error,
            Error::CoreGone {
                state: State::Stopping
            }
        ),
        "{error}"
    );
    let error = channel.try_send(b"x").unwrap_err();
    assert!(
        matches!(
            error,
            Error::CoreGone {
                state: State::Stopping
            }
        ),
        "{error}"
    );

    image.device.header().state.retire().unwrap();
    let error = channel.rebind().unwrap_err();
    assert!(
        matches!(
            error,
            Error::CoreGone {
                state: State::Offline
            }
        ),
        "{error}"
    );
    image.device.close_all();
    image.device.header().state.begin().unwrap();
    image.device.header().state.run().unwrap();
    let error = channel.try_send(b"x").unwrap_err();
    assert!(
        matches!(
            error,
            Error::CoreGone {
                state: State::Running
            }
        ),
        "{error}"
    );
    channel.rebind().unwrap();
    channel.send(b"again").unwrap();
    let mut buf = [0; 8];
    assert_eq!(channel.recv_timeout(&mut buf, LONG).unwrap(), Some(5));
}

#[test]
fn a_crash_is_readable() {
    let image = Image::start();
    let telemetry = image.open().telemetry();
    assert_eq!(
        (telemetry.state(), telemetry.crash()),
        (State::Running, None)
    );
    let reader = blocked_reader(&image);
    let header = image.device.header();
    header
        .crash
        .write(format_args!("task {} fell over", "sample"));
    header.state.crash().unwrap();
    image.device.ring_all();
    let (_, error) = reader.join().unwrap();
    assert!(
        matches!(
            error,
            Error::CoreGone {
                state: State::Crashed
            }
        ),
        "{error}"
    );
    assert_eq!(telemetry.crash().as_deref(), Some("task sample fell over"));
}

#[test]
fn a_device_that_just_vanishes_is_noticed() {
    let mut image = Image::start();
    let reader = blocked_reader(&image);
    let mut spinner = image.open().bind("echo").unwrap();
    image.server = None;
    let (_, error) = reader.join().unwrap();
    assert!(
        matches!(error, Error::CoreGone { .. } | Error::Closed),
        "{error}"
    );
    let error = loop {
        if let Err(error) = spinner.try_recv(&mut [0; 8]) {
            break error;
        }
    };
    assert!(
        matches!(error, Error::CoreGone { .. } | Error::Closed),
        "{error}"
    );
    let error = offsched_client::Device::open(&image.path).err().unwrap();
    assert!(matches!(error, Error::NoDevice { .. }), "{error}");
}

#[test]
fn telemetry_and_the_common_timeline() {
    let image = Image::start();
    let telemetry = image.open().telemetry();
    assert_eq!(telemetry.scale(), None);
    let scale = TimeScale::new(2_500_000_000, 10_000, 77_000).unwrap();
    image.device.header().time.publish(&scale);
    assert_eq!(telemetry.scale(), Some(scale));
    // A q32 factor rounds down: at most a nanosecond here.
    let later = telemetry.monotonic_ns(10_000 + 2_500_000).unwrap();
    assert!((1_076_999..=1_077_000).contains(&later), "{later}");
    let earlier = telemetry.monotonic_ns(10_000 - 2_500).unwrap();
    assert!((76_000..=76_001).contains(&earlier), "{earlier}");
    let zero = &image.device.region().core().tick_zero;
    zero.store(10_000 + 2_500_000, std::sync::atomic::Ordering::Relaxed);
    // A millisecond to tick 0 and one more to tick 1,000; two roundings.
    let tick = telemetry.monotonic_ns_at_tick(1_000).unwrap();
    assert!((2_076_997..=2_077_000).contains(&tick), "{tick}");
    let heartbeat = &image.device.region().core().heartbeat;
    heartbeat.store(7, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(telemetry.heartbeat(), 7);
    let jobs = &image.device.region().tasks()[2].releases;
    jobs.store(42, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(telemetry.tasks().len(), 3);
    assert_eq!(
        telemetry.tasks()[2]
            .releases
            .load(std::sync::atomic::Ordering::Relaxed),
        42
    );
    let services: Vec<_> = image
        .open()
        .services()
        .iter()
        .map(|entry| entry.name().to_owned())
        .collect();
    assert_eq!(services, ["echo", "other"]);
}
