//! The application: a thread that knows the core by the device's path only,
//! and asks the timer service for timers.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use offsched_client::{Channel, Device, Error};
use offsched_services::timer::{EXPIRED, Reply, Request, STARTED};
use serde_json::{Value, json};

use super::app::SERVICE;
use crate::format::grouped;

/// The periodic timer's name and period, us.
const PERIODIC: (u32, u64) = (1, 10_000);
/// The one-shot's name and delay, us; asked for again whenever it has expired.
const ONE_SHOT: (u32, u64) = (2, 25_000);
/// How long to wait for mail before looking whether to stop. Mail comes much
/// more often, by the core's doorbell; a lost one would show.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the application has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent.
    pub requests: u64,
    /// Answers to them.
    pub replies: u64,
    /// Expiries received, of both timers.
    pub expiries: u64,
    /// Expiries that the service could not tell of.
    pub untold: u64,
    /// Answers that were refusals.
    pub refused: u64,
}

impl Traffic {
    /// The figures in a line.
    pub fn line(&self) -> String {
        let mut line = format!(
            "application: {} requests, {} replies, {} expiries received, {} untold",
            grouped(self.requests),
            grouped(self.replies),
            grouped(self.expiries),
            grouped(self.untold),
        );
        if self.refused > 0 {
            line += &format!(", {} refused", grouped(self.refused));
        }
        line
    }

    /// The figures as JSON.
    pub fn json(&self) -> Value {
        json!({
            "requests": self.requests,
            "replies": self.replies,
            "expiries": self.expiries,
            "untold": self.untold,
            "refused": self.refused,
        })
    }
}

/// Counters that the application's thread writes.
#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    replies: AtomicU64,
    expiries: AtomicU64,
    untold: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
}

/// The application's thread.
#[derive(Debug)]
pub struct Application {
    counters: Arc<Counters>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Application {
    /// Starts the application with the path of a device.
    ///
    /// # Errors
    /// The system's, if there is no thread to be had.
    pub fn start(path: PathBuf) -> std::io::Result<Self> {
        let counters = Arc::new(Counters::default());
        let theirs = Arc::clone(&counters);
        let body = move || {
            Device::open(path)?
                .bind(SERVICE)
                .and_then(|channel| use_timers(channel, &theirs))
        };
        let thread = std::thread::Builder::new()
            .name("application".to_owned())
            .spawn(body)?;
        Ok(Self {
            counters,
            thread: Some(thread),
        })
    }

    /// What it has done so far.
    pub fn traffic(&self) -> Traffic {
        let counters = &self.counters;
        Traffic {
            requests: counters.requests.load(Relaxed),
            replies: counters.replies.load(Relaxed),
            expiries: counters.expiries.load(Relaxed),
            untold: counters.untold.load(Relaxed),
            refused: counters.refused.load(Relaxed),
        }
    }

    /// True if it has ended by itself, which only a failure makes it do.
    pub fn has_failed(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends it.
    ///
    /// # Errors
    /// What went wrong in it.
    pub fn finish(&mut self) -> Result<(), String> {
        self.counters.stop.store(true, Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(error.to_string()),
            Some(Err(_)) => Err("it panicked".to_owned()),
        }
    }
}

fn use_timers(mut channel: Channel, counters: &Counters) -> Result<(), Error> {
    ask(
        &mut channel,
        counters,
        &Request::periodic(PERIODIC.0, PERIODIC.1, PERIODIC.1),
    )?;
    ask(
        &mut channel,
        counters,
        &Request::one_shot(ONE_SHOT.0, ONE_SHOT.1),
    )?;
    while !counters.stop.load(Relaxed) {
        let Some(reply) = channel.recv_msg::<Reply>(PATIENCE)? else {
            continue;
        };
        counters.untold.fetch_max(reply.untold, Relaxed);
        if reply.kind == EXPIRED {
            counters.expiries.fetch_add(1, Relaxed);
            if reply.id == ONE_SHOT.0 {
                ask(
                    &mut channel,
                    counters,
                    &Request::one_shot(ONE_SHOT.0, ONE_SHOT.1),
                )?;
            }
            continue;
        }
        counters.replies.fetch_add(1, Relaxed);
        if reply.kind != STARTED {
            counters.refused.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

fn ask(channel: &mut Channel, counters: &Counters, request: &Request) -> Result<(), Error> {
    channel.send_msg(request)?;
    counters.requests.fetch_add(1, Relaxed);
    Ok(())
}
