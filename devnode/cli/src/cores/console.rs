//! `offsched console`: what an image prints.

use std::io::{Write, stdout};
use std::time::Duration;

use offsched_abi::console::CONSOLE_RING;
use offsched_abi::header::State;
use offsched_device::{DeviceState, Shared};

use super::kernel::{core_state, find, open};
use crate::args::ConsoleOptions;
use crate::output::{Failure, note};

const LOOK: Duration = Duration::from_millis(50);

/// Prints what the image has printed so far, and with `--follow` what it prints until it ends.
///
/// # Errors
/// [`Failure`]: what failed.
pub fn run(options: &ConsoleOptions) -> Result<(), Failure> {
    let path = &options.device.device;
    let cpu = find(
        path,
        options.cpu,
        |state| state == DeviceState::Offloaded,
        "run an image",
    )?;
    let (device, state) = open(path, cpu)?;
    if state == DeviceState::Empty {
        return Err(Failure::Message(format!(
            "CPU {cpu} has no image: `offsched start --cpu {cpu} --image FILE`"
        )));
    }
    let shared = device
        .shared()
        .map_err(|error| Failure::to("map the core's memory", error))?;
    let mut from = 0;
    loop {
        // Looked at first: what it prints before it ends is read after.
        let state = device
            .status()
            .map_err(|error| Failure::to("ask the module", error))?
            .state;
        let live = state == Some(DeviceState::Offloaded)
            && !matches!(core_state(&shared), Some(State::Offline | State::Crashed));
        copy(&shared, &mut from)?;
        if !options.follow || !live {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Prints what there is from `from` on.
fn copy(shared: &Shared, from: &mut u64) -> Result<(), Failure> {
    // None before the image has made its region: then it has printed nothing either.
    let Ok(console) = shared.console() else {
        return Ok(());
    };
    let mut bytes = vec![0; CONSOLE_RING];
    let read = console.read(from, &mut bytes);
    if read.lost > 0 {
        note(&format!(
            "offsched: {} bytes are lost: the image overwrote them",
            read.lost
        ));
    }
    let mut out = stdout().lock();
    let written = out.write_all(&bytes[..read.len]).and_then(|()| out.flush());
    written.map_err(|_| Failure::Closed)
}
