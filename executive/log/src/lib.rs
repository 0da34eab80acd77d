//! Logs of an app: `defmt` frames to the core's log rings.
//!
//! An app that logs depends on `defmt` and on this crate, says
//! `use offsched_log as _;` and calls `defmt::info!(..)` at any level, as in any
//! embedded project; `offsched log` shows it. An app that does not log needs
//! neither. As with `defmt` everywhere, what is compiled in is chosen by
//! `DEFMT_LOG` at build time (errors only, if it is not set).
//!
//! Frames are not encoded further: the rings keep them apart. On a port without
//! log rings, as in the simulator, they go nowhere.
//!
//! The program that has the app must be linked with `defmt`'s sections, at
//! address 0, so that a text's address is its number. An image's script has
//! them. A hosted program's build script says
//!
//! ```text
//! println!("cargo::rustc-link-arg-bins=-no-pie");
//! println!("cargo::rustc-link-arg-bins=-Toffsched-log.x");
//! println!("cargo::rustc-link-arg-bins=-Wl,--build-id=sha1");
//! ```
//!
//! (a program that can be loaded anywhere has no fixed addresses; the build id
//! is for `offsched log` and `offsched crash`, which then know the program from
//! another one).
#![no_std]
#![deny(unsafe_code)]

use offsched::log;

/// The logger of the program.
#[defmt::global_logger]
struct Rings;

// SAFETY: a context is a level of a core. Levels nest, and `offsched::log` keeps the frames of nested ones apart; it uses
// what it finds on this core only.
#[allow(unsafe_code)]
unsafe impl defmt::Logger for Rings {
    fn acquire() {
        log::begin();
    }

    unsafe fn flush() {}

    unsafe fn release() {
        log::end();
    }

    unsafe fn write(bytes: &[u8]) {
        log::write(bytes);
    }
}

// Cycles: who reads the log has the scale.
defmt::timestamp!("{=u64}", log::now());
