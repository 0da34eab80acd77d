//! Apps that log. Their expected logs are in `expected/`, without times.
#![no_std]
#![forbid(unsafe_code)]

use offsched_log as _;

pub mod fails;
pub mod flood;
pub mod log;

/// All of them, for whoever builds the images.
pub const NAMES: [&str; 3] = ["fails", "flood", "log"];
