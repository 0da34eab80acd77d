//! The guest's whole file system, as a cpio archive in the format `newc`
//! (Linux's Documentation/driver-api/early-userspace/buffer-format.rst).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::{CLIENT_MODULES, Cases};
use crate::parts::{Kernel, the_file};
use crate::run::output;

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const FILE: u32 = 0o100_644;
const CONSOLE: u32 = 0o020_600;

/// The first program: mounts, loads the module, runs the cases, ends.
const INIT: &str = include_str!("init.sh");
/// The same for a guest with a person in it.
const VM_INIT: &str = include_str!("vm/init.sh");

/// Packs a guest for a kernel.
pub fn pack(work: &Path, kernel: &Kernel, module: &Path, cases: &Cases) -> Result<PathBuf, String> {
    let mut archive = Archive::guest(kernel, INIT)?;
    for name in ["cases", "cases/images", "cases/expected"] {
        archive.entry(name, FOLDER, &[], (0, 0));
    }
    archive.file("cases/offsched.ko", FILE, module)?;
    for name in CLIENT_MODULES {
        archive.file(&format!("cases/{name}"), FILE, &module.with_file_name(name))?;
    }
    archive.file("offsched-guest", PROGRAM, &cases.program)?;
    let stripped = work.join("stripped");
    for (name, file) in &cases.images {
        // Their backtraces and logs are looked up.
        let kept = [&offsched_drills::NAMES[..], &offsched_logs::NAMES].concat();
        if kept.contains(&name.as_str()) {
            archive.file(&format!("cases/images/{name}"), FILE, file)?;
            continue;
        }
        output(
            Command::new("objcopy")
                .arg("--strip-debug")
                .args([file, &stripped]),
        )?;
        archive.file(&format!("cases/images/{name}"), FILE, &stripped)?;
    }
    let expected = fs::read_dir(&cases.expected)
        .map_err(|error| format!("{}: {error}", cases.expected.display()))?;
    for entry in expected.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        archive.file(&format!("cases/expected/{name}"), FILE, &entry.path())?;
    }
    archive.entry("cases/bin", FOLDER, &[], (0, 0));
    for (name, file) in &cases.clients {
        output(
            Command::new("objcopy")
                .arg("--strip-debug")
                .args([file, &stripped]),
        )?;
        archive.file(&format!("cases/bin/{name}"), PROGRAM, &stripped)?;
    }
    for (name, file) in &cases.scripts {
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        archive.entry(&format!("cases/{}", folder.display()), FOLDER, &[], (0, 0));
        archive.file(&format!("cases/{name}"), FILE, file)?;
    }
    if let Some(folder) = &cases.python {
        archive.python(folder)?;
    }
    archive.write(&work.join(format!("initramfs-{}", kernel.release)))
}

/// Packs a guest for a person: the command, images, and a script if there is one.
pub fn pack_vm(
    work: &Path,
    kernel: &Kernel,
    module: &Path,
    vm: &Vm<'_>,
) -> Result<PathBuf, String> {
    let mut archive = Archive::guest(kernel, VM_INIT)?;
    archive.file("offsched.ko", FILE, module)?;
    archive.file("bin/offsched", PROGRAM, vm.command)?;
    archive.entry("images", FOLDER, &[], (0, 0));
    for (name, file) in vm.images {
        archive.file(&format!("images/{name}.elf"), FILE, file)?;
    }
    for (name, text) in vm.texts {
        archive.entry(name, FILE, text.as_bytes(), (0, 0));
    }
    archive.write(&work.join(format!("initramfs-vm-{}", kernel.release)))
}

/// What a person's guest has.
pub struct Vm<'a> {
    /// The program `offsched`, static.
    pub command: &'a Path,
    /// ELF files, by name.
    pub images: &'a [(String, PathBuf)],
    /// Files at the root.
    pub texts: &'a [(&'a str, String)],
}

/// A cpio archive in the making.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// What every guest has: a first program and busybox.
    fn guest(kernel: &Kernel, init: &str) -> Result<Self, String> {
        let mut archive = Self::default();
        for name in ["bin", "dev", "proc", "sys"] {
            archive.entry(name, FOLDER, &[], (0, 0));
        }
        // Before /dev is mounted the kernel wants it for the first program.
        archive.entry("dev/console", CONSOLE, &[], (5, 1));
        archive.entry("init", PROGRAM, init.as_bytes(), (0, 0));
        archive.file("bin/busybox", PROGRAM, &kernel.busybox)?;
        Ok(archive)
    }

    fn write(self, path: &Path) -> Result<PathBuf, String> {
        fs::write(path, self.finish()).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path.to_owned())
    }

    fn file(&mut self, name: &str, mode: u32, from: &Path) -> Result<(), String> {
        let data = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
        self.entry(name, mode, &data, (0, 0));
        Ok(())
    }

    /// Python and its libraries, where Debian has them.
    fn python(&mut self, folder: &Path) -> Result<(), String> {
        const LIBRARIES: [&str; 4] = ["libc.so.6", "libm.so.6", "libz.so.1", "libexpat.so.1"];
        const LOADER: &str = "ld-linux-x86-64.so.2";
        for name in [
            "usr",
            "usr/bin",
            "usr/lib",
            "lib",
            "lib/x86_64-linux-gnu",
            "lib64",
        ] {
            self.entry(name, FOLDER, &[], (0, 0));
        }
        let places = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
        let library = |name: &str| {
            let found = places.map(|place| folder.join(place).join(name));
            let found = found.into_iter().find(|path| path.exists());
            found.ok_or_else(|| format!("no {name} in {}", folder.display()))
        };
        for name in LIBRARIES {
            self.file(&format!("{}/{name}", places[0]), PROGRAM, &library(name)?)?;
        }
        self.file(&format!("lib64/{LOADER}"), PROGRAM, &library(LOADER)?)?;
        let program = the_file(&folder.join("usr/bin"), "python3.")?;
        self.file("usr/bin/python3", PROGRAM, &program)?;
        let name = program.file_name().unwrap_or_default();
        let modules = format!("usr/lib/{}", name.display());
        self.tree(&modules, &folder.join(&modules))
    }

    /// A folder with all that is in it.
    fn tree(&mut self, name: &str, from: &Path) -> Result<(), String> {
        self.entry(name, FOLDER, &[], (0, 0));
        let entries = fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))?;
        for entry in entries.flatten() {
            let name = format!("{name}/{}", entry.file_name().display());
            let path = entry.path();
            if path.is_dir() {
                self.tree(&name, &path)?;
            } else if path.exists() {
                self.file(&name, FILE, &path)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8], device: (u32, u32)) {
        self.entries += 1;
        // Inode, mode, owner, group, links, time, size, the archive's device, the node's device, name, no checksum.
        let fields = [
            self.entries,
            mode,
            0,
            0,
            1,
            0,
            data.len() as u32,
            0,
            0,
            device.0,
            device.1,
            name.len() as u32 + 1,
            0,
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend(data);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[], (0, 0));
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_header_a_name_and_aligned_data() {
        let mut archive = Archive::default();
        archive.entry("init", PROGRAM, b"12345", (0, 0));
        // 110 bytes of header, 5 of name, 1 of padding, 5 of data, 3 of padding.
        assert_eq!(archive.bytes.len(), 124);
        assert!(archive.bytes.starts_with(b"07070100000001000081ed"));
        assert_eq!(&archive.bytes[110..124], b"init\0\x0012345\0\0\0");
    }
}
