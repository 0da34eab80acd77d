//! The applications of the drills.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use offsched_client::{Channel, Device, Error};
use zerocopy::{FromBytes as _, IntoBytes as _};

use crate::message::{Message, mix};
use crate::{SERVICE, scribble};

/// Messages under way at most: their answers fit the ring.
const WINDOW: u64 = 16;
/// Longest that an answer may take: longer is lost.
const LONG: Duration = Duration::from_secs(60);

/// One application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Streams and checks until its input ends, then says how many messages went through
    Neighbour,
    /// As a neighbour, and binds again whenever the core is gone
    Faithful,
    /// Streams until it is killed
    Victim,
    /// Sends until nothing goes in any more, and never reads
    Mute,
    /// Writes anything anywhere into its own channel
    Scribbler,
}

/// Plays a role until its end. Says `bound` when it has its channel.
///
/// # Errors
/// A sentence.
pub fn run(role: Role, device: &Path) -> Result<(), String> {
    let text = |error: Error| error.to_string();
    let device = Device::open(device).map_err(text)?;
    let mut channel = device.bind_timeout(SERVICE, LONG).map_err(text)?;
    println!("bound");
    let end = until_input_ends();
    match role {
        Role::Neighbour => println!("{}", stream(&mut channel, &end)?.1),
        Role::Faithful => println!("{}", faithful(&mut channel, &end)?),
        Role::Victim => drop(stream(&mut channel, &end)?),
        Role::Mute => mute(&mut channel, &end),
        Role::Scribbler => println!("{}", scribble::run(&mut channel, &end)?),
    }
    Ok(())
}

/// True once the standard input has ended.
fn until_input_ends() -> Arc<AtomicBool> {
    let end = Arc::new(AtomicBool::new(false));
    let at_end = Arc::clone(&end);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        at_end.store(true, Ordering::Relaxed);
    });
    end
}

/// Streams until the end: whether the core was gone before it, and how many messages came back.
fn stream(channel: &mut Channel, end: &AtomicBool) -> Result<(bool, u64), String> {
    let stream = mix((u64::from(std::process::id()) << 32) | channel.index() as u64);
    let (mut sent, mut got) = (0, 0);
    let mut buf = [0; size_of::<Message>()];
    loop {
        let ends = end.load(Ordering::Relaxed);
        if ends && sent == got {
            return Ok((false, got));
        }
        while !ends && sent < got + WINDOW {
            match channel.send(Message::new(stream, sent).as_bytes()) {
                Ok(()) => sent += 1,
                Err(Error::CoreGone { .. } | Error::Closed) => return Ok((true, got)),
                Err(error) => return Err(error.to_string()),
            }
        }
        match channel.recv_timeout(&mut buf, LONG) {
            Ok(Some(len)) => {
                let message = Message::read_from_bytes(&buf[..len]);
                let message = message.map_err(|_| format!("message {got} has {len} bytes"))?;
                message.check(stream, got)?;
                got += 1;
            }
            Ok(None) => return Err(format!("message {got} of {sent} did not come back")),
            Err(Error::CoreGone { .. } | Error::Closed) => return Ok((true, got)),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Streams, and starts anew on the same channel object whenever the core is gone: how many messages came back, and how
/// often it bound again.
fn faithful(channel: &mut Channel, end: &AtomicBool) -> Result<String, String> {
    let (mut total, mut again) = (0, 0);
    loop {
        let (gone, got) = stream(channel, end)?;
        total += got;
        if !gone {
            return Ok(format!("{total} {again}"));
        }
        loop {
            match channel.rebind() {
                Ok(()) => break,
                Err(Error::CoreGone { .. } | Error::NoDevice { .. } | Error::AllTaken { .. }) => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(Error::Protocol(_) | Error::Os { .. }) => {
                    // The device died in the middle of its answer.
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error.to_string()),
            }
            if end.load(Ordering::Relaxed) {
                return Err("the core did not come back".to_owned());
            }
        }
        again += 1;
    }
}

fn mute(channel: &mut Channel, end: &AtomicBool) {
    let mut number = 0;
    while !end.load(Ordering::Relaxed) {
        match channel.try_send(Message::new(0, number).as_bytes()) {
            Ok(()) => number += 1,
            // Full: the core reads on, and has nowhere to put its answers.
            Err(_) => std::thread::sleep(Duration::from_micros(100)),
        }
    }
}
