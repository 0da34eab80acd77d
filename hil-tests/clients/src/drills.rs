//! The drills. Each has neighbours: applications that stream numbered messages with checksums all the while, and fail if
//! one is lost, damaged, somebody else's or there twice.

use std::path::Path;
use std::process::Command;
use std::thread::scope;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use offsched_client::Device;
use offsched_drills::stream::mix;

use crate::child::Player;
use crate::roles::{LONG, ON_TOKIO, Role};
use crate::{SERVICE, history};

/// A drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drill {
    /// Applications are killed at random points of a transfer (count: kills)
    Kills,
    /// Many applications at once (count: applications)
    Crowd,
    /// An application never reads (count: seconds)
    Mute,
    /// An application writes anything anywhere into its channel (count: seconds)
    Scribble,
    /// The core is started again under its applications (count: restarts)
    Restart,
    /// Applications with several channels each, on tokio (count: applications)
    Tokio,
}

/// Neighbours of a misbehaving application.
const NEIGHBOURS: usize = 4;
/// Victims alive at a time.
const VICTIMS: u32 = 2;
/// Applications under which the core is started again: with a thread for their channel, and on tokio with several.
const FAITHFUL: (usize, usize) = (12, 4);
/// Longest life of a victim after it has bound, us: anywhere in a transfer.
const LIFE_US: u64 = 3_000;

/// Runs a drill: its figures.
///
/// # Errors
/// A sentence: what did not hold.
pub fn run(
    drill: Drill,
    device: &Path,
    count: Option<u32>,
    restart: Option<&str>,
) -> Result<String, String> {
    let begin = Instant::now();
    let figures = match drill {
        Drill::Kills => kills(device, count.unwrap_or(100)),
        Drill::Crowd => crowd(device, count.unwrap_or(64)),
        Drill::Mute => beside(device, Role::Mute, count.unwrap_or(2)),
        Drill::Scribble => beside(device, Role::Scribbler, count.unwrap_or(2)),
        Drill::Tokio => tokio(device, count.unwrap_or(4)),
        Drill::Restart => {
            let command = restart.ok_or("`restart` needs --restart COMMAND")?;
            restarts(device, count.unwrap_or(3), command)
        }
    }?;
    Ok(format!("{figures}, {:.1} s", begin.elapsed().as_secs_f64()))
}

fn start(role: Role, device: &Path, count: usize) -> Result<Vec<Player>, String> {
    (0..count).map(|_| Player::start(role, device)).collect()
}

/// Ends the neighbours: how many messages went through. Each must have had some.
fn finish(neighbours: Vec<Player>) -> Result<u64, String> {
    let mut total = 0;
    for neighbour in neighbours {
        match neighbour.finish()?[..] {
            [got] if got > 0 => total += got,
            _ => return Err("a neighbour got nothing through".to_owned()),
        }
    }
    Ok(total)
}

/// The service is told of every one that came, and of its end.
fn kills(device: &Path, kills: u32) -> Result<String, String> {
    let neighbours = start(Role::Neighbour, device, NEIGHBOURS)?;
    let witness = Device::open(device).and_then(|device| device.bind_timeout(SERVICE, LONG));
    let mut witness = witness.map_err(|error| error.to_string())?;
    let left = NEIGHBOURS as u64 + 1;
    let before = history::until_left(&mut witness, left)?;
    let one = |line: u32| -> Result<(), String> {
        for number in (line..kills).step_by(VICTIMS as usize) {
            let victim = Player::start(Role::Victim, device)?;
            let life = mix(u64::from(number)) % LIFE_US;
            std::thread::sleep(Duration::from_micros(life));
            victim.kill()?;
        }
        Ok(())
    };
    scope(|scope| {
        let lines: Vec<_> = (0..VICTIMS)
            .map(|line| scope.spawn(move || one(line)))
            .collect();
        lines.into_iter().try_for_each(|line| {
            let ended = line.join();
            ended.unwrap_or_else(|_| Err("a line of victims panicked".to_owned()))
        })
    })?;
    let after = history::until_left(&mut witness, left)?;
    let told = [after[0] - before[0], after[1] - before[1]];
    if told != [u64::from(kills); 2] {
        return Err(format!(
            "{kills} kills, but the service was told that {} came and {} went",
            told[0], told[1]
        ));
    }
    let messages = finish(neighbours)?;
    Ok(format!(
        "{kills} kills, all told to the service; {messages} messages through {NEIGHBOURS} neighbours, none lost, none twice"
    ))
}

fn crowd(device: &Path, clients: u32) -> Result<String, String> {
    let crowd = start(Role::Neighbour, device, clients as usize)?;
    std::thread::sleep(Duration::from_secs(1));
    let messages = finish(crowd)?;
    Ok(format!(
        "{clients} at once; {messages} messages, none lost, none twice"
    ))
}

fn beside(device: &Path, role: Role, seconds: u32) -> Result<String, String> {
    let neighbours = start(Role::Neighbour, device, NEIGHBOURS)?;
    let odd = Player::start(role, device)?;
    std::thread::sleep(Duration::from_secs(u64::from(seconds)));
    let messages = finish(neighbours)?;
    odd.finish()?;
    // Its channel serves the next.
    let next = start(Role::Neighbour, device, 1)?;
    let after = finish(next)?;
    Ok(format!(
        "{seconds} s beside a {role:?}; {messages} messages through {NEIGHBOURS} neighbours and {after} after it, \
         none lost, none twice"
    ))
}

fn tokio(device: &Path, applications: u32) -> Result<String, String> {
    let neighbours = start(Role::Neighbour, device, NEIGHBOURS)?;
    let all = start(Role::Tokio, device, applications as usize)?;
    std::thread::sleep(Duration::from_secs(1));
    let channels = finish_faithful(all, applications as usize * ON_TOKIO)?;
    if channels.iter().any(|[got, again]| *got == 0 || *again > 0) {
        return Err(format!(
            "messages and bindings of the channels beside a core that ran on: {channels:?}"
        ));
    }
    let messages: u64 = channels.iter().map(|[got, _]| got).sum();
    let beside = finish(neighbours)?;
    Ok(format!(
        "{applications} applications with {ON_TOKIO} channels each; {messages} messages, and {beside} through \
         {NEIGHBOURS} neighbours, none lost, none twice"
    ))
}

/// Ends faithful applications with so many channels in all: for each, messages through and how often it was bound again.
fn finish_faithful(clients: Vec<Player>, channels: usize) -> Result<Vec<[u64; 2]>, String> {
    let mut figures = Vec::new();
    for client in clients {
        let said = client.finish()?;
        figures.extend(said.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
    }
    if figures.len() == channels {
        Ok(figures)
    } else {
        Err(format!("{} of {channels} channels told of", figures.len()))
    }
}

fn restarts(device: &Path, restarts: u32, command: &str) -> Result<String, String> {
    let (threads, on_tokio) = FAITHFUL;
    let mut clients = start(Role::Faithful, device, threads)?;
    clients.extend(start(Role::Tokio, device, on_tokio)?);
    for _ in 0..restarts {
        std::thread::sleep(Duration::from_millis(300));
        let status = Command::new("sh").args(["-c", command]).status();
        match status {
            Ok(status) if status.success() => {}
            other => return Err(format!("`{command}` failed: {other:?}")),
        }
    }
    std::thread::sleep(Duration::from_secs(1));
    let channels = threads + on_tokio * ON_TOKIO;
    let figures = finish_faithful(clients, channels)?;
    // A restart may come before a channel is bound again after the one before it.
    let fine = |[got, again]: &[u64; 2]| *got > 0 && (1..=u64::from(restarts)).contains(again);
    if !figures.iter().all(fine) {
        return Err(format!(
            "messages and bindings of the channels in {restarts} restarts: {figures:?}"
        ));
    }
    let messages: u64 = figures.iter().map(|[got, _]| got).sum();
    let again: u64 = figures.iter().map(|[_, again]| again).sum();
    Ok(format!(
        "{restarts} restarts under {} applications with {channels} channels, bound again {again} times; {messages} \
         messages, none lost within a run, none twice",
        threads + on_tokio
    ))
}
