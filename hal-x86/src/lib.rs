//! What every real port of offsched needs from an x86-64 processor: its time
//! stamp counter, and what the processor says about it.
//!
//! Ring 0 and hosted code share this crate, so nothing here needs a privilege,
//! and invariant 6 of the project holds by absence: there is no way to write
//! the counter. `unsafe` lives in [`tsc`] only.
#![no_std]
#![deny(unsafe_code)]

pub mod cpu;
pub mod tsc;
