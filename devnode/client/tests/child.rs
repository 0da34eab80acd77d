//! A channel is its process's: children have copies of all its descriptors.
#![allow(missing_docs, unsafe_code)]

mod common;

use std::os::fd::OwnedFd;

use common::{Image, LONG};
use offsched_client::{Channel, Error};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// A child that does that and ends, as a copy of this process.
fn fork(child: impl FnOnce()) -> Pid {
    // SAFETY: the child is this thread alone, which holds no lock but libc's, and libc sees to those. It ends without a
    // word to the test's machinery.
    match unsafe { libc::fork() } {
        0 => {
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: the call takes a number and does not return.
            unsafe { libc::_exit(i32::from(ended.is_err())) }
        }
        pid => Pid::from_raw(pid).expect("a child"),
    }
}

fn sleep_until_killed() {
    loop {
        std::thread::sleep(LONG);
    }
}

fn end(child: Pid) -> Option<i32> {
    let (_, status) = waitpid(Some(child), WaitOptions::empty()).unwrap().unwrap();
    status.exit_status()
}

fn echo(channel: &mut Channel) {
    let mut buf = [0; 16];
    channel.send(b"there and back").unwrap();
    let got = channel.recv_timeout(&mut buf, LONG).unwrap();
    assert_eq!(&buf[..got.unwrap()], b"there and back");
}

/// The only channel of its service, as soon as it is free.
#[track_caller]
fn bind_again(image: &Image) {
    let bound = image.open().bind_timeout("other", LONG);
    echo(&mut bound.unwrap_or_else(|error| panic!("{error}")));
}

#[test]
fn a_child_does_not_keep_a_channel_that_its_parent_has_dropped() {
    let image = Image::start();
    let channel = image.open().bind("other").unwrap();
    let child = fork(sleep_until_killed);
    drop(channel);
    bind_again(&image);
    kill_process(child, Signal::KILL).unwrap();
    end(child);
}

#[test]
fn a_child_that_drops_its_copy_takes_nothing_from_its_parent() {
    let image = Image::start();
    let mut channel = Some(image.open().bind("other").unwrap());
    let child = fork(|| drop(channel.take()));
    assert_eq!(end(child), Some(0));
    echo(channel.as_mut().unwrap());
}

/// Binds, has a child of its own, and says which.
fn own(image: &Image, tell: &OwnedFd) {
    let _channel = image.open().bind("other").unwrap();
    let child = fork(sleep_until_killed);
    rustix::io::write(tell, &child.as_raw_pid().to_ne_bytes()).unwrap();
    sleep_until_killed();
}

#[test]
fn a_child_does_not_keep_a_channel_whose_owner_was_killed() {
    let image = Image::start();
    let (told, tell) = rustix::pipe::pipe().unwrap();
    let owner = fork(|| own(&image, &tell));
    drop(tell);
    let mut child = [0; 4];
    assert_eq!(rustix::io::read(&told, &mut child), Ok(4), "no owner");
    let child = Pid::from_raw(i32::from_ne_bytes(child)).unwrap();
    let taken = image.open().bind("other");
    assert!(matches!(taken, Err(Error::AllTaken { .. })));
    kill_process(owner, Signal::KILL).unwrap();
    end(owner);
    bind_again(&image);
    kill_process(child, Signal::KILL).unwrap();
}
