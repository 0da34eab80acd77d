//! The applications of the drills.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use offsched_client::{Channel, Device, Error};
use offsched_drills::stream::Message;
use zerocopy::IntoBytes as _;

use crate::stream::Stream;
use crate::{SERVICE, asynchronous, history, scribble};

/// Longest that an answer may take: longer is lost.
pub const LONG: Duration = Duration::from_secs(60);
/// Between two tries to bind again.
pub const AGAIN: Duration = Duration::from_millis(2);
/// Channels of an application on tokio.
pub const ON_TOKIO: usize = 4;

/// One application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Streams and checks until its input ends, then says how many messages went through
    Neighbour,
    /// As a neighbour, and binds again whenever the core is gone
    Faithful,
    /// As a faithful one with several channels in one thread, on tokio
    Tokio,
    /// Streams until it is killed
    Victim,
    /// Sends until nothing goes in any more, and never reads
    Mute,
    /// Writes anything anywhere into its own channel
    Scribbler,
}

/// Plays a role until its end. Says `bound` when it has its channel; a victim, when the service has answered.
///
/// # Errors
/// A sentence.
pub fn run(role: Role, device: &Path) -> Result<(), String> {
    let text = |error: Error| error.to_string();
    let device = Device::open(device).map_err(text)?;
    let mut channel = device.bind_timeout(SERVICE, LONG).map_err(text)?;
    // A core that sleeps or is busy may never see a client that is gone at once: one that counts was seen.
    if role == Role::Victim {
        history::ask(&mut channel)?;
    }
    println!("bound");
    let end = until_input_ends();
    match role {
        Role::Neighbour => println!("{}", stream(&mut channel, &end)?.1),
        Role::Faithful => println!("{}", faithful(&mut channel, &end)?),
        Role::Tokio => println!("{}", on_tokio(&device, channel, &end)?),
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

/// Plays with more channels than the first.
fn on_tokio(device: &Device, first: Channel, end: &Arc<AtomicBool>) -> Result<String, String> {
    let mut channels = vec![first];
    while channels.len() < ON_TOKIO {
        let channel = device.bind_timeout(SERVICE, LONG);
        channels.push(channel.map_err(|error| error.to_string())?);
    }
    asynchronous::run(channels, end)
}

/// Streams until the end: whether the core was gone before it, and how many messages came back.
fn stream(channel: &mut Channel, end: &AtomicBool) -> Result<(bool, u64), String> {
    let mut stream = Stream::new(channel);
    let mut buf = [0; size_of::<Message>()];
    loop {
        // One that is told to end at once has something to tell of all the same.
        let ends = end.load(Ordering::Relaxed) && stream.got() > 0;
        if ends && stream.idle() {
            return Ok((false, stream.got()));
        }
        while let Some(message) = stream.next().filter(|_| !ends) {
            match channel.send(message.as_bytes()) {
                Ok(()) => stream.sent(),
                Err(error) if gone(&error) => return Ok((true, stream.got())),
                Err(error) => return Err(error.to_string()),
            }
        }
        match channel.recv_timeout(&mut buf, LONG) {
            Ok(Some(len)) => stream.take(&buf[..len])?,
            Ok(None) => return Err(stream.late()),
            Err(error) if gone(&error) => return Ok((true, stream.got())),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// True if the core is gone, so that one binds again.
pub fn gone(error: &Error) -> bool {
    matches!(error, Error::CoreGone { .. } | Error::Closed)
}

/// True if a binding was refused because the core is not back yet; the device may have died in the middle of its answer.
pub fn not_yet(error: &Error) -> bool {
    matches!(
        error,
        Error::CoreGone { .. }
            | Error::NoDevice { .. }
            | Error::AllTaken { .. }
            | Error::Protocol(_)
            | Error::Os { .. }
    )
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
        while let Err(error) = channel.rebind() {
            if !not_yet(&error) || end.load(Ordering::Relaxed) {
                return Err(format!("cannot bind again: {error}"));
            }
            std::thread::sleep(AGAIN);
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
