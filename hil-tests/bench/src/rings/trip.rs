//! From an application to a service and back, beside a bare cache line.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offsched::App;
use offsched_client::{Channel, Device, Error};
use offsched_hosted::{Config, Outcome};
use offsched_hosted_device::Served;

use super::far::Apart;
use super::{Pair, far};
use crate::clock::ordered;
use crate::series::{Book, EMPTY};

/// A service that sends back what it gets. `$measure`: whether the executive keeps the books of its jobs.
macro_rules! echo {
    ($name:ident, $measure:literal) => {
        #[offsched::app]
        pub mod $name {
            use offsched::{Channel, Mail, Mutex as _};

            #[channels]
            struct Channels {
                #[channel(clients = 1, ring = 4096)]
                echo: Channel<[u8; 16], [u8; 16]>,
            }

            #[init]
            fn init(_: init::Context) {}

            #[task(priority = 1, channel = echo, measure = $measure)]
            fn answer(mut cx: answer::Context) {
                cx.channels.echo.lock(|echo| {
                    if let Some(Mail::Message(from, message)) = echo.recv() {
                        // The application waits for each answer, so there is room.
                        let _ = echo.send(from, &message);
                    }
                });
            }
        }
    };
}

echo!(echo_measured, true);
echo!(echo_unmeasured, false);

/// A round: the bare line before, between and after, so that all see the same machine.
pub fn measure(book: &mut Book, pair: Pair) -> Result<(), String> {
    line(book, pair)?;
    if book.wants(&["trip.measured"]) {
        with_core::<echo_measured::App>(pair, "echo", |channel| {
            trips(book, "trip.measured", channel)
        })?;
    }
    if book.wants(&["trip.unmeasured"]) {
        with_core::<echo_unmeasured::App>(pair, "echo", |channel| {
            trips(book, "trip.unmeasured", channel)
        })?;
    }
    Ok(())
}

/// Runs an app behind a device while `measure` talks to a service of it.
///
/// # Errors
/// A sentence: what could not be made, or what `measure` says.
pub fn with_core<A: App>(
    pair: Pair,
    service: &str,
    measure: impl FnOnce(&mut Channel) -> Result<(), String>,
) -> Result<(), String> {
    let config = Config {
        cpu: Some(pair.core),
        ..Config::default()
    };
    let path = socket();
    // The core's thread takes its CPU from what its maker may use.
    far::allow(pair)?;
    let served = Served::start::<A>(config, &path).map_err(|error| error.to_string())?;
    far::pin(pair.app)?;
    let device = Device::open(&path).map_err(|error| error.to_string())?;
    let mut channel = device.bind(service).map_err(|error| error.to_string())?;
    let measured = measure(&mut channel);
    channel.close();
    match served.stop() {
        Outcome::Stopped => measured,
        other => Err(format!("the core {other}")),
    }
}

/// A place for this process's device.
fn socket() -> PathBuf {
    offsched_socket::default_path(&format!("bench-{}", std::process::id()))
}

fn trips(book: &mut Book, id: &'static str, channel: &mut Channel) -> Result<(), String> {
    let mut trouble = Ok(());
    book.each(id, || {
        let start = ordered();
        if let Err(error) = there_and_back(channel) {
            trouble = Err(format!("{id}: {error}"));
        }
        ordered().saturating_sub(start)
    });
    trouble
}

fn there_and_back(channel: &mut Channel) -> Result<(), Error> {
    let mut answer = [0; 16];
    channel.try_send(&[7; 16])?;
    while channel.try_recv(&mut answer)?.is_none() {}
    Ok(())
}

/// The bare line: one side makes it odd, the other even again.
fn line(book: &mut Book, pair: Pair) -> Result<(), String> {
    if !book.wants(&["trip.line"]) && !book.wants(&[EMPTY]) {
        return Ok(());
    }
    let line = Apart(AtomicU64::new(0));
    let far = |end: &AtomicBool| {
        let mut next = 1;
        while !end.load(Ordering::Relaxed) {
            if line.0.load(Ordering::Acquire) == next {
                line.0.store(next + 1, Ordering::Release);
                next += 2;
            }
        }
    };
    far::beside(pair, far, || {
        let mut at = 0;
        book.each("trip.line", || {
            let start = ordered();
            line.0.store(at + 1, Ordering::Release);
            while line.0.load(Ordering::Acquire) != at + 2 {}
            at += 2;
            ordered().saturating_sub(start)
        });
    })
}
