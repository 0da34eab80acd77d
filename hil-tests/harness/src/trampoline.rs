//! A non-maskable interrupt between any two instructions of the module's trampoline.
//!
//! No guest can aim so well. So the trampoline, as it was built, is put into a machine with nothing but firmware in it,
//! stepped to each of its instructions in turn, interrupted there, and let go: from there on it must come to its end.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use object::{Object, ObjectSection, ObjectSymbol};

use crate::machine;
use crate::monitor::Monitor;
use crate::parts::Qemu;
use crate::stub::Stub;

/// The case's name.
pub const TITLE: &str = "an NMI between any two instructions of the trampoline";

/// Where firmware puts a boot sector and starts it.
const BOOT: u64 = 0x7c00;
/// The trampoline's page: as a start-up IPI, the boot sector begins it with the page's segment and offset 0.
const BASE: u64 = 0x2_0000;
const BOOT_CODE: [u8; 5] = [0xea, 0, 0, (BASE >> 4) as u8, (BASE >> 12) as u8];
/// Page tables for what is below 2 MiB, one to one.
const ROOT: u64 = 0x3_0000;
/// Where the trampoline ends, in 64-bit mode: `mov $SAID, %al; out %al, $PORT; hlt`.
const ENTRY: u64 = 0x4_0000;
const ENTRY_CODE: [u8; 5] = [0xb0, SAID, 0xe6, PORT, 0xf4];
/// A byte written to QEMU's port for it ends QEMU with twice that, and one.
const PORT: u8 = 0xf4;
const SAID: u8 = 0x15;
const ARRIVED: i32 = 2 * SAID as i32 + 1;
/// A page table's entry: present and writable; and of 2 MiB.
const TABLE: u64 = 0x3;
const LARGE: u64 = 0x83;

/// A disk that firmware reads.
const DISK_BYTES: usize = 1 << 20;
/// More than it has instructions.
const STEPS_MAX: u32 = 500;
/// Until the machine has ended, from wherever it was let go.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(2);

/// What QEMU ends with.
#[derive(PartialEq, Eq)]
enum End {
    Code(Option<i32>),
    Hangs,
}

/// The trampoline as built, with what the module tells it.
struct Trampoline {
    code: Vec<u8>,
    /// Where the limit of its interrupt table is.
    limit: usize,
}

impl Trampoline {
    fn read(file: &Path) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let bytes = fs::read(file).map_err(|error| wrong(&error))?;
        let object = object::File::parse(&*bytes).map_err(|error| wrong(&error))?;
        let at = |name: &str| {
            let symbol = object.symbols().find(|symbol| symbol.name() == Ok(name));
            symbol
                .map(|symbol| symbol.address() as usize)
                .ok_or_else(|| wrong(&format!("no {name}")))
        };
        let section = object.section_by_name(".rodata");
        let data = section.and_then(|section| section.data().ok());
        let (start, end) = (at("offsched_trampoline")?, at("offsched_trampoline_end")?);
        let code = data.and_then(|data| data.get(start..end));
        let mut code = code.ok_or_else(|| wrong(&"no code"))?.to_vec();
        let words = at("offsched_trampoline_words")? - start;
        let told = [BASE | ROOT << 32, ENTRY].map(u64::to_le_bytes).concat();
        let place = code.get_mut(words..words + told.len());
        place
            .ok_or_else(|| wrong(&"no words"))?
            .copy_from_slice(&told);
        Ok(Self {
            code,
            limit: at("idtr")? - start,
        })
    }

    /// Without an interrupt table.
    fn without_gates(&self) -> Vec<u8> {
        let mut code = self.code.clone();
        code[self.limit..self.limit + 2].fill(0);
        code
    }
}

/// Interrupts it everywhere. Returns at how many places.
pub fn check(qemu: &Qemu, module: &Path, work: &Path) -> Result<u32, String> {
    let trampoline = Trampoline::read(&module.with_file_name("trampoline.o"))?;
    fs::create_dir_all(work).map_err(|error| format!("{}: {error}", work.display()))?;
    let sector = work.join("boot-sector");
    let mut disk = vec![0; DISK_BYTES];
    disk[..BOOT_CODE.len()].copy_from_slice(&BOOT_CODE);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    fs::write(&sector, disk).map_err(|error| format!("{}: {error}", sector.display()))?;
    for steps in 0..STEPS_MAX {
        let (place, end) = interrupted(qemu, work, &sector, &trampoline.code, steps)?;
        if end != End::Code(Some(ARRIVED)) {
            let what = match end {
                End::Hangs => "it hangs".to_owned(),
                End::Code(code) => format!("QEMU ends with {code:?}, the machine was reset"),
            };
            return Err(format!("before instruction {steps}, at {place:#x}: {what}"));
        }
        if place == ENTRY {
            // Else all of this would show nothing.
            let bare = trampoline.without_gates();
            let (_, end) = interrupted(qemu, work, &sector, &bare, steps - 1)?;
            return match end {
                End::Code(Some(ARRIVED)) => {
                    Err("no NMI comes: it arrives without a table".to_owned())
                }
                _ => Ok(steps),
            };
        }
    }
    Err(format!("not at its end after {STEPS_MAX} instructions"))
}

/// Steps so many instructions into the code, interrupts it there, and lets it go: where that was, and how it ended.
fn interrupted(
    qemu: &Qemu,
    work: &Path,
    disk: &Path,
    code: &[u8],
    steps: u32,
) -> Result<(u64, End), String> {
    let mut command = machine::program(qemu);
    command.args(["-nodefaults", "-display", "none", "-M", "q35", "-m", "64"]);
    command.args(["-cpu", "max,monitor=off", "-accel", "tcg", "-no-reboot"]);
    command.arg("-drive");
    command.arg(format!(
        "file={},format=raw,if=none,id=disk",
        disk.display()
    ));
    command.args(["-device", "ide-hd,drive=disk,bootindex=0"]);
    command.args([
        "-device",
        &format!("isa-debug-exit,iobase={PORT:#x},iosize=1"),
    ]);
    let mut monitor = Monitor::attach(&mut command, work)?;
    let mut stub = Stub::attach(&mut command)?;
    let child = command.spawn().map_err(|error| format!("QEMU: {error}"))?;
    let mut machine = Running(child);
    stub.run_to(BOOT)?;
    stub.write(BASE, code)?;
    stub.write(ROOT, &tables())?;
    stub.write(ENTRY, &ENTRY_CODE)?;
    // The boot sector's jump, and then the trampoline's own.
    for _ in 0..=steps {
        stub.step()?;
    }
    let place = stub.place()?;
    monitor.nmi()?;
    stub.go()?;
    Ok((place, machine.end()?))
}

/// Three levels, the lowest with one page of 2 MiB.
fn tables() -> Vec<u8> {
    let mut words = [0u64; 3 * 512];
    words[0] = (ROOT + 0x1000) | TABLE;
    words[512] = (ROOT + 0x2000) | TABLE;
    words[1024] = LARGE;
    words.map(u64::to_le_bytes).concat()
}

/// A machine, gone when this is.
struct Running(Child);

impl Running {
    fn end(&mut self) -> Result<End, String> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let ended = self.0.try_wait();
            if let Some(status) = ended.map_err(|error| format!("QEMU: {error}"))? {
                return Ok(End::Code(status.code()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(End::Hangs)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, most of the time.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
