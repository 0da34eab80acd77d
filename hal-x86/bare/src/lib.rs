//! The bare port: an image alone on an offloaded core, in ring 0.
//!
//! ```text
//! kernel module: INIT, start-up IPI, trampoline
//!   -> entry     stack, handlers, own page tables, FPU     entry.rs
//!        every vector has a handler and a stack            tables.rs, stubs.rs
//!   -> lapic     one alarm, one doorbell, the rest counted lapic.rs, interrupt.rs
//!   -> boundary  region and channels: first sign of life   boundary.rs
//!   -> Core::run the very executive of the other ports     run.rs, port.rs
//!   -> parked    or crashed: why, and where                fault.rs, backtrace.rs
//! ```
//! An app crate becomes an image without edits: a crate of a few lines says
//! [`image!`]`(the_app::App);` and is linked with `link.ld`, for the target
//! `x86_64-unknown-linux-gnu`, with `-Crelocation-model=static
//! -Ccode-model=small`.
//!
//! # One stack
//! Tasks and interrupts share it. A maskable interrupt enters on a stack of its
//! own (the interrupted code may use the 128 bytes below its stack pointer),
//! moves below those, saves the FPU, and only then opens interrupts again, so
//! they nest. NMI, machine check, double fault and the other faults have stacks
//! of their own: they must work when that one is broken. Below each stack is a
//! page that is not there.
#![no_std]
#![deny(unsafe_code)]

mod alarm;
mod backtrace;
mod boundary;
mod entry;
mod fault;
mod interrupt;
mod lapic;
mod machine_check;
#[cfg(not(test))]
mod mem;
mod note;
mod once;
mod port;
mod registers;
mod run;
mod stack;
mod stubs;
mod tables;
mod uart;

pub use fault::panicked;
pub use note::ImageNote;
pub use run::run;
pub use uart::{Stuck, Uart};

/// Makes an image of an app: entry, panic handler and note.
///
/// In a crate with `#![no_std]` and `#![no_main]` that has nothing else. With
/// `uart = PORT` the 16550 UART at that I/O port, which Linux must not use, is
/// the core's emergency console.
#[macro_export]
macro_rules! image {
    ($app:ty) => {
        $crate::image!($app, uart = 0);
    };
    ($app:ty, uart = $port:expr) => {
        #[unsafe(no_mangle)]
        extern "C" fn offsched_image_main() -> ! {
            $crate::run::<$app>($port)
        }

        #[panic_handler]
        fn panic(info: &::core::panic::PanicInfo<'_>) -> ! {
            $crate::panicked(info)
        }

        #[used]
        #[unsafe(link_section = ".note.offsched")]
        static NOTE: $crate::ImageNote = $crate::ImageNote::new(&<$app>::NEEDS);
    };
}
