//! An app that measures the executive on a bare core, cycle by cycle.
//!
//! Meant for counted time (QEMU's `-icount`), where one instruction is one
//! cycle and every run is the same; `budgets.txt` beside this crate says what
//! each figure may be. It prints `NAME CYCLES`, a line for each figure: the
//! median of [`SAMPLES`], without the cost of reading the counter.
//!
//! Two reads of the counter bracket what is measured. Interrupts come while a
//! loop reads the counter and stores it: its last value is when the interrupt
//! came, to a turn of the loop; so of these the least sample counts, each taken
//! at another place of the loop.
#![no_std]
#![deny(unsafe_code)]

pub mod answers;
mod app;
mod interrupts;
mod rings;
mod samples;

pub use app::app::App;
pub use samples::SAMPLES;
