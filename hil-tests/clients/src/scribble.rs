//! A client that writes anything anywhere into its own channel.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use offsched_client::Channel;
use offsched_drills::stream::{Message, mix};
use zerocopy::IntoBytes as _;

/// Words written between two calls.
const BURST: u64 = 200;

/// Bursts after which the channel is bound again, if it was not found damaged before.
const BURSTS: u32 = 100;

/// Scribbles until the end: how many words.
///
/// # Errors
/// A sentence, if the channel's memory is not to be found or the channel cannot be bound again.
pub fn run(channel: &mut Channel, end: &AtomicBool) -> Result<u64, String> {
    let mut written = 0;
    while !end.load(Ordering::Relaxed) {
        scribble(channel, channel_words()?, &mut written);
        // A channel bound again is another mapping.
        channel.rebind().map_err(|error| error.to_string())?;
    }
    Ok(written)
}

fn scribble(channel: &mut Channel, words: &[AtomicU64], written: &mut u64) {
    let mut buf = [0; 4096];
    for _ in 0..BURSTS {
        for _ in 0..BURST {
            *written += 1;
            let random = mix(*written);
            // Half of it goes where the indices are, and looks like indices.
            let (at, word) = if random & 1 == 0 {
                ((random >> 8) & 0x7f, random & 0xffff_0001_ff00_01ff)
            } else {
                (random >> 8, random)
            };
            words[(at % words.len() as u64) as usize].store(word, Ordering::Relaxed);
        }
        // So that the core looks, and our own end too.
        let _ = channel.try_send(Message::new(0, *written).as_bytes());
        let _ = channel.try_recv(&mut buf);
    }
}

/// This process's only writable mapping of a device.
fn channel_words() -> Result<&'static [AtomicU64], String> {
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|error| error.to_string())?;
    let line = maps
        .lines()
        .find(|line| line.contains(" rw-s ") && line.contains("offsched"))
        .ok_or("no writable mapping of a device")?;
    let range = line.split_whitespace().next().unwrap_or_default();
    let ends: Vec<usize> = range
        .split('-')
        .filter_map(|end| usize::from_str_radix(end, 16).ok())
        .collect();
    let [start, end] = ends[..] else {
        return Err(format!("not a range: {line}"));
    };
    // SAFETY: the channel's pages, mapped readable and writable, page aligned, and looked at as atomic words by the
    // library too. They stay mapped until the channel is bound again or dropped, and `run` does not use them after it.
    Ok(unsafe { std::slice::from_raw_parts(start as *const AtomicU64, (end - start) / 8) })
}
