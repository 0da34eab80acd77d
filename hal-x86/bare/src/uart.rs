//! A 16550 UART as the core's emergency console: what the console and a crash
//! say goes out here too, whatever becomes of the shared memory.
//!
//! An image says which one: `image!(App, uart = 0x3e8)`. It must not be one that
//! Linux uses. A byte takes 87 us at 115,200 baud, with interrupts off while a
//! line is written: for bringing up and for post-mortems, not for tight
//! deadlines. The registers: National Semiconductor, PC16550D (1995).
//!
//! (`uart_16550` waits for the line without a bound; nothing here may.)
#![allow(unsafe_code)]

use core::fmt;
use core::sync::atomic::{AtomicU16, Ordering};

use embedded_io::{ErrorKind, ErrorType, Write};

use crate::registers::{read_port, write_port};

/// The port of the image's UART; 0: it has none.
static PORT: AtomicU16 = AtomicU16::new(0);

/// Offsets from the port.
const DATA: u16 = 0;
const INTERRUPTS: u16 = 1;
const FIFO: u16 = 2;
const LINE: u16 = 3;
const MODEM: u16 = 4;
const STATUS: u16 = 5;

const DIVISOR_LATCH: u8 = 0x80;
const EIGHT_BITS: u8 = 0x03;
/// Of the clock of 1.8432 MHz / 16: 115,200 baud.
const DIVISOR: u16 = 1;
/// On, both cleared.
const FIFO_ON: u8 = 0x07;
/// DTR and RTS; OUT2 off keeps its interrupt line quiet.
const READY: u8 = 0x03;
/// The transmitter takes bytes.
const EMPTY: u8 = 0x20;
/// What a port without a UART reads as.
const NOTHING: u8 = 0xff;

/// Looks at the status for one byte: a look takes about a microsecond, so longer than any byte.
const LOOKS_MAX: u32 = 20_000;

/// The line takes no bytes: there is no UART, or its flow is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck;

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the UART takes no bytes: is the port right?")
    }
}

impl core::error::Error for Stuck {}

impl embedded_io::Error for Stuck {
    fn kind(&self) -> ErrorKind {
        ErrorKind::TimedOut
    }
}

/// A UART that this core has for itself.
#[derive(Debug)]
pub struct Uart {
    port: u16,
}

impl Uart {
    /// Sets the UART at an I/O port to 115,200 baud, 8 bits, no parity, no interrupts.
    ///
    /// # Safety
    /// In ring 0; the eight ports from there are a 16550's that nobody else uses, or nothing.
    pub unsafe fn open(port: u16) -> Self {
        let uart = Self { port };
        uart.write_register(INTERRUPTS, 0);
        uart.write_register(LINE, DIVISOR_LATCH);
        uart.write_register(DATA, DIVISOR as u8);
        uart.write_register(INTERRUPTS, (DIVISOR >> 8) as u8);
        uart.write_register(LINE, EIGHT_BITS);
        uart.write_register(FIFO, FIFO_ON);
        uart.write_register(MODEM, READY);
        uart
    }

    fn write_register(&self, register: u16, value: u8) {
        // SAFETY: a register of the UART that `open` was given; no value does more than garble the line.
        unsafe { write_port(self.port.wrapping_add(register), value) };
    }

    fn wait(&self) -> Result<(), Stuck> {
        for _ in 0..LOOKS_MAX {
            // SAFETY: the status register of the UART that `open` was given.
            let status = unsafe { read_port(self.port.wrapping_add(STATUS)) };
            if status == NOTHING {
                break;
            }
            if status & EMPTY != 0 {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        Err(Stuck)
    }
}

impl ErrorType for Uart {
    type Error = Stuck;
}

impl Write for Uart {
    /// Writes the first byte, waiting for the line for a bounded time.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Stuck> {
        let Some(byte) = bytes.first() else {
            return Ok(0);
        };
        self.wait()?;
        self.write_register(DATA, *byte);
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Stuck> {
        self.wait()
    }
}

/// Makes the UART at that port the emergency console.
///
/// # Safety
/// As [`Uart::open`].
pub(crate) unsafe fn set(port: u16) {
    // SAFETY: the caller's word.
    unsafe { Uart::open(port) };
    PORT.store(port, Ordering::Relaxed);
}

/// Writes to the emergency console, if there is one. With interrupts off.
pub(crate) fn say(bytes: &[u8]) {
    let port = PORT.load(Ordering::Relaxed);
    if port == 0 {
        return;
    }
    let mut uart = Uart { port };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (text, end): (_, &[u8]) = match line.strip_suffix(b"\n") {
            Some(text) => (text, b"\r\n"),
            None => (line, b""),
        };
        if uart
            .write_all(text)
            .and_then(|()| uart.write_all(end))
            .is_err()
        {
            // It is not there: later lines need not wait for it again.
            PORT.store(0, Ordering::Relaxed);
            return;
        }
    }
}

/// The same, for formatted text.
pub(crate) struct Said;

impl fmt::Write for Said {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        say(text.as_bytes());
        Ok(())
    }
}
