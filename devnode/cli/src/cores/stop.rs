//! `offsched stop` and `offsched return`: a CPU goes back to Linux.

use std::path::Path;
use std::time::{Duration, Instant};

use offsched_abi::header::State;
use offsched_device::{Device, DeviceState, Shared};

use super::kernel::{core_state, find, last_words, open};
use super::why;
use crate::args::{ReturnOptions, StopOptions};
use crate::output::{Failure, note, print};

const LOOK: Duration = Duration::from_millis(1);

/// How an image ended.
enum End {
    /// It did what it was asked.
    Asked(Duration),
    /// It had ended before, by itself.
    Before,
    /// It had crashed, or did now.
    Crashed(String),
    /// It was still there when the time was up.
    Deaf,
}

/// Asks the image to end, waits, and takes the CPU back whatever the image does.
///
/// # Errors
/// [`Failure::Unheard`] if the image did not end by itself: the CPU is Linux's all the same. Else what failed.
pub fn stop(options: &StopOptions) -> Result<(), Failure> {
    let (cpu, device) = offloaded(&options.device.device, options.cpu)?;
    let shared = device
        .shared()
        .map_err(|error| Failure::to("map the core's memory", error))?;
    let patience = Duration::from_secs(options.timeout);
    let end = ask(&device, &shared, patience)?;
    device
        .give_back()
        .map_err(|error| why::control("give the CPU back", &error))?;
    let back = format!("CPU {cpu} is Linux's again");
    match end {
        End::Asked(took) => print(&format!(
            "{back}: the image ended as asked, after {} ms\n",
            took.as_millis()
        )),
        End::Before => print(&format!("{back}: the image had ended before\n")),
        End::Crashed(words) => print(&format!("{back}: the image crashed: {words}\n")),
        End::Deaf => {
            note(&format!(
                "offsched: {back}: the image did not end within {} s, so the CPU was taken from it{}",
                options.timeout,
                where_it_was(cpu, &shared)
            ));
            Err(Failure::Unheard)
        }
    }
}

/// How to see where the image was, if it left a record when it was told.
fn where_it_was(cpu: u32, shared: &Shared) -> String {
    match core_state(shared) {
        Some(State::Crashed) => {
            format!("; `offsched crash --cpu {cpu} --image FILE` says where it was")
        }
        _ => String::new(),
    }
}

/// Takes the CPU back at once.
///
/// # Errors
/// [`Failure`]: what failed.
pub fn give_back(options: &ReturnOptions) -> Result<(), Failure> {
    let (cpu, device) = offloaded(&options.device.device, options.cpu)?;
    device
        .give_back()
        .map_err(|error| why::control("give the CPU back", &error))?;
    print(&format!("CPU {cpu} is Linux's again\n"))
}

fn offloaded(path: &Path, named: Option<u32>) -> Result<(u32, Device), Failure> {
    let cpu = find(
        path,
        named,
        |state| state == DeviceState::Offloaded,
        "run an image",
    )?;
    match open(path, cpu)? {
        (device, DeviceState::Offloaded) => Ok((cpu, device)),
        _ => Err(Failure::Message(format!(
            "CPU {cpu} runs no image: it is Linux's already"
        ))),
    }
}

fn ask(device: &Device, shared: &Shared, patience: Duration) -> Result<End, Failure> {
    let ended = || matches!(core_state(shared), Some(State::Offline | State::Crashed));
    let begin = Instant::now();
    let before = ended();
    if !before {
        device
            .ask_to_stop()
            .map_err(|error| why::control("ask the image to end", &error))?;
    }
    while !ended() {
        if begin.elapsed() >= patience {
            return Ok(End::Deaf);
        }
        std::thread::sleep(LOOK);
    }
    Ok(match core_state(shared) {
        Some(State::Crashed) => End::Crashed(last_words(shared)),
        _ if before => End::Before,
        _ => End::Asked(begin.elapsed()),
    })
}
