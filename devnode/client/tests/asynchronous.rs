//! Channels on tokio's runtime for one thread.
#![allow(missing_docs)]

mod common;

use std::time::Duration;

use common::{Image, LONG};
use offsched_client::{AsyncChannel, Error};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;
use tokio::time::timeout;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Streams numbers through the echo, one task sending far ahead of what is read.
async fn stream(channel: &mut AsyncChannel, count: u32) {
    let mut buf = [0; 1024];
    let (mut sent, mut got) = (0_u32, 0_u32);
    while got < count {
        while sent < count && sent < got + 3 {
            let message = sent.to_le_bytes().repeat(1 + (sent % 100) as usize);
            channel.send(&message).await.unwrap();
            sent += 1;
        }
        let len = channel.recv(&mut buf).await.unwrap();
        assert_eq!(
            buf[..len],
            got.to_le_bytes().repeat(1 + (got % 100) as usize)
        );
        got += 1;
    }
}

#[test]
fn two_channels_stream_on_one_thread() {
    let image = Image::start();
    runtime().block_on(LocalSet::new().run_until(async {
        let device = image.open();
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let mut channel = AsyncChannel::new(device.bind("echo").unwrap()).unwrap();
                tokio::task::spawn_local(async move { stream(&mut channel, 2000).await })
            })
            .collect();
        for task in tasks {
            timeout(LONG, task).await.expect("in time").unwrap();
        }
    }));
}

#[test]
fn a_send_waits_for_room_and_is_woken_by_the_core() {
    let image = Image::start();
    runtime().block_on(async {
        let mut channel = AsyncChannel::new(image.open().bind("echo").unwrap()).unwrap();
        let message = [7; 1000];
        let (mut sent, mut got) = (0, 0);
        // Until both rings are full and the core holds one: then only reading makes room.
        while timeout(Duration::from_millis(200), channel.send(&message))
            .await
            .is_ok()
        {
            sent += 1;
        }
        let mut buf = [0; 1024];
        while got < sent {
            let len = timeout(LONG, channel.recv(&mut buf))
                .await
                .expect("in time");
            assert_eq!(len.unwrap(), 1000);
            got += 1;
        }
        timeout(LONG, stream(&mut channel, 100))
            .await
            .expect("in time");
    });
}

/// What was published before wakes the core, which sleeps, when somebody waits for the answer.
#[test]
fn a_receive_makes_up_for_a_look_that_is_owed() {
    let image = Image::start();
    runtime().block_on(async {
        let mut channel = image.open().bind("echo").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(channel.publish_msgs(&[7_u64]).unwrap(), 1);
        let mut channel = AsyncChannel::new(channel).unwrap();
        let mut buf = [0; 8];
        let came = timeout(LONG, channel.recv(&mut buf)).await;
        assert_eq!(came.expect("in time").unwrap(), 8);
        assert_eq!(u64::from_ne_bytes(buf), 7);
    });
}

#[test]
fn a_receive_given_up_loses_nothing() {
    let image = Image::start();
    runtime().block_on(async {
        let mut channel = AsyncChannel::new(image.open().bind("echo").unwrap()).unwrap();
        let mut buf = [0; 64];
        for number in 0..200_u32 {
            let early = timeout(Duration::from_micros(1), channel.recv(&mut buf)).await;
            assert!(early.is_err(), "nothing was sent");
            channel.send(&number.to_le_bytes()).await.unwrap();
            let len = timeout(LONG, channel.recv(&mut buf))
                .await
                .expect("in time");
            assert_eq!(buf[..len.unwrap()], number.to_le_bytes());
        }
    });
}

#[test]
fn a_receiver_learns_that_the_device_vanished_and_binds_to_the_next() {
    let mut image = Image::start();
    runtime().block_on(LocalSet::new().run_until(async {
        let mut channel = AsyncChannel::new(image.open().bind("echo").unwrap()).unwrap();
        let reader = tokio::task::spawn_local(async move {
            let error = channel.recv(&mut [0; 8]).await.unwrap_err();
            (channel, error)
        });
        tokio::task::yield_now().await;
        image.server = None;
        let (mut channel, error) = timeout(LONG, reader).await.expect("in time").unwrap();
        assert!(
            matches!(error, Error::CoreGone { .. } | Error::Closed),
            "{error}"
        );
        image.device.close_all();
        image.server = Some(image.device.serve(&image.path, |_| {}).unwrap());
        channel.rebind().unwrap();
        channel.send(b"again").await.unwrap();
    }));
}
