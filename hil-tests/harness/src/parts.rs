//! The parts that are Debian's: a kernel with its headers, busybox, QEMU.
//!
//! Each is a folder in the cache, complete if it has its stamp.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::apt::{Apt, Installed};

/// Where a kernel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Debian 12: Linux 6.1
    Stable,
    /// Its backports: Linux 6.12
    Backports,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Stable => "bookworm",
            Self::Backports => "bookworm-backports",
        }
    }
}

/// The cache.
pub struct Parts {
    folder: PathBuf,
    /// Held as long as parts are fetched or used.
    _lock: File,
}

/// A kernel, unpacked.
pub struct Kernel {
    /// As `uname -r` says.
    pub release: String,
    pub image: PathBuf,
    pub headers: PathBuf,
    pub busybox: PathBuf,
}

/// QEMU, unpacked.
pub struct Qemu {
    pub program: PathBuf,
    /// Folders of its libraries, of firmware.
    pub libraries: Vec<PathBuf>,
    pub firmware: Vec<PathBuf>,
}

impl Parts {
    pub fn open(folder: &Path) -> Result<Self, String> {
        let wrong = |error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(wrong)?;
        let folder = folder.canonicalize().map_err(wrong)?;
        let lock = File::create(folder.join("lock")).map_err(wrong)?;
        lock.lock().map_err(wrong)?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// A kernel, its headers, and a busybox.
    pub fn kernel(&self, suite: Suite) -> Result<Kernel, String> {
        let names = ["linux-image-amd64", "linux-headers-amd64", "busybox-static"];
        let wanted = |name: &str| name.starts_with("linux-") || name.starts_with("busybox-static=");
        let folder = self.fetch(suite.name(), suite, &names, Installed::Nothing, wanted)?;
        let image = the_file(&folder.join("boot"), "vmlinuz-")?;
        let release = image
            .to_string_lossy()
            .rsplit_once("vmlinuz-")
            .map_or_else(String::new, |(_, release)| release.to_owned());
        let headers = folder
            .join("usr/src")
            .join(format!("linux-headers-{release}"));
        point_headers(&headers, &folder)?;
        Ok(Kernel {
            release,
            image,
            headers,
            busybox: folder.join("bin/busybox"),
        })
    }

    /// QEMU of the backports, with the libraries that this machine lacks.
    pub fn qemu(&self) -> Result<Qemu, String> {
        let folder = self.fetch(
            "qemu",
            Suite::Backports,
            &["qemu-system-x86"],
            Installed::ThisMachine,
            |_| true,
        )?;
        let program = folder.join("usr/bin/qemu-system-x86_64");
        // If it is not among what is missing, the machine has it.
        let program = if program.exists() {
            program
        } else {
            PathBuf::from("qemu-system-x86_64")
        };
        let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]
            .map(|name| folder.join(name))
            .to_vec();
        let firmware = ["usr/share/qemu", "usr/share/seabios"]
            .map(|name| folder.join(name))
            .to_vec();
        Ok(Qemu {
            program,
            libraries,
            firmware,
        })
    }

    fn fetch(
        &self,
        name: &str,
        suite: Suite,
        packages: &[&str],
        installed: Installed,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<PathBuf, String> {
        let folder = self.folder.join(name);
        let stamp = folder.join("complete");
        if stamp.exists() {
            return Ok(folder);
        }
        println!("fetching {name}");
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let apt = Apt::open(
            &self.folder.join("apt"),
            &[Suite::Stable.name(), Suite::Backports.name()],
        )?;
        let mut list = apt.resolve(suite.name(), packages, installed)?;
        list.retain(|package| wanted(package));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if !list.is_empty() {
            apt.unpack(&list, &folder)?;
        }
        fs::write(&stamp, list.join("\n"))
            .map_err(|error| format!("{}: {error}", stamp.display()))?;
        Ok(folder)
    }
}

fn the_file(folder: &Path, prefix: &str) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found = entries.flatten().map(|entry| entry.path());
    found
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
        })
        .ok_or_else(|| format!("no {prefix}* in {}", folder.display()))
}

/// The headers' Makefile includes another by its installed path: from the cache instead.
fn point_headers(headers: &Path, folder: &Path) -> Result<(), String> {
    const INSTALLED: &str = "/usr/src/";
    let path = headers.join("Makefile");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Some((_, rest)) = text.split_once(INSTALLED) else {
        return Err(format!(
            "{}: not the Makefile of Debian's headers",
            path.display()
        ));
    };
    let pointed = format!("include {}{INSTALLED}{rest}", folder.display());
    fs::write(&path, pointed).map_err(|error| format!("{}: {error}", path.display()))
}
