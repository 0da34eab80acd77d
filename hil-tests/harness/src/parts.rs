//! The parts that are Debian's: a kernel with its headers, busybox, QEMU, sparse.
//!
//! Each is a folder in the cache, complete if it has its stamp.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::apt::{Apt, Installed};
use crate::run::output;

/// In each complete folder: what was unpacked there.
const STAMP: &str = "complete";

/// Where a kernel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Debian 12: Linux 6.1
    Stable,
    /// Its backports: Linux 6.12
    Backports,
    /// The same with PREEMPT_RT
    Rt,
}

impl Suite {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::Stable, Self::Backports, Self::Rt];

    /// Where apt finds its packages.
    fn suite(self) -> &'static str {
        match self {
            Self::Stable => "bookworm",
            Self::Backports | Self::Rt => "bookworm-backports",
        }
    }

    /// Its folder in the cache.
    fn folder(self) -> &'static str {
        match self {
            Self::Rt => "bookworm-backports-rt",
            other => other.suite(),
        }
    }

    /// The meta packages of kernel and headers: exact versions vanish from mirrors.
    fn packages(self) -> [&'static str; 2] {
        match self {
            Self::Rt => ["linux-image-rt-amd64", "linux-headers-rt-amd64"],
            _ => ["linux-image-amd64", "linux-headers-amd64"],
        }
    }
}

/// What gets the tools that are not fetched.
pub const INSTALL: &str = "apt install build-essential gcc-12 dpkg";

/// That the tools which build the module are here: Debian's kernels name their compiler.
pub fn tools() -> Result<(), String> {
    for tool in ["make", "gcc-12", "objcopy", "apt-get", "dpkg-deb"] {
        output(Command::new(tool).arg("--version"))?;
    }
    Ok(())
}

/// The cache.
pub struct Parts {
    folder: PathBuf,
    /// Held while parts are used, and by one alone while it fetches.
    lock: File,
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
        lock.lock_shared().map_err(wrong)?;
        Ok(Self { folder, lock })
    }

    /// A kernel, its headers, and a busybox.
    pub fn kernel(&self, suite: Suite) -> Result<Kernel, String> {
        let [image, headers] = suite.packages();
        let names = [image, headers, "busybox-static"];
        let wanted = |name: &str| name.starts_with("linux-") || name.starts_with("busybox-static=");
        let folder = self.fetch(suite.folder(), suite, &names, Installed::Nothing, wanted)?;
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

    /// Debian's Python, with the libraries that it needs in a guest that has none: the folder that it is unpacked in.
    pub fn python(&self) -> Result<PathBuf, String> {
        let needs = ["python3.", "libpython3.", "libc6=", "libexpat1=", "zlib1g="];
        let wanted = |package: &str| needs.iter().any(|name| package.starts_with(name));
        let names = ["python3-minimal", "libpython3-stdlib"];
        self.fetch("python", Suite::Stable, &names, Installed::Nothing, wanted)
    }

    /// The checker of kernel sources. Only the checker: what else its package has needs more libraries.
    pub fn sparse(&self) -> Result<PathBuf, String> {
        let wanted = |package: &str| package.starts_with("sparse=");
        let folder = self.fetch(
            "sparse",
            Suite::Stable,
            &["sparse"],
            Installed::Nothing,
            wanted,
        )?;
        Ok(folder.join("usr/bin/sparse"))
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
        let stamp = folder.join(STAMP);
        if stamp.exists() {
            return Ok(folder);
        }
        let alone = Alone::new(&self.lock)?;
        // Somebody else may have fetched it meanwhile.
        if !stamp.exists() {
            self.fetch_alone(&folder, suite, packages, installed, wanted)?;
        }
        drop(alone);
        Ok(folder)
    }

    fn fetch_alone(
        &self,
        folder: &Path,
        suite: Suite,
        packages: &[&str],
        installed: Installed,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), String> {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let apt = Apt::open(
            &self.folder.join("apt"),
            &[Suite::Stable.suite(), Suite::Backports.suite()],
        )?;
        let mut list = apt.resolve(suite.suite(), packages, installed)?;
        list.retain(|package| wanted(package));
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if !list.is_empty() {
            apt.unpack(&list, folder)?;
        }
        let stamp = folder.join(STAMP);
        fs::write(&stamp, list.join("\n")).map_err(|error| format!("{}: {error}", stamp.display()))
    }
}

/// The cache's lock for one user alone, until dropped.
struct Alone<'a>(&'a File);

impl<'a> Alone<'a> {
    fn new(lock: &'a File) -> Result<Self, String> {
        // A shared lock that waits for another user's exclusive one would wait for ever if both did.
        lock.unlock()
            .and_then(|()| lock.lock())
            .map_err(|error| format!("the cache's lock: {error}"))?;
        Ok(Self(lock))
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        // A lock that cannot be shared again is held alone until the end: slower for others, not wrong.
        let _ = self.0.unlock().and_then(|()| self.0.lock_shared());
    }
}

/// The first file in a folder whose name begins so.
pub fn the_file(folder: &Path, prefix: &str) -> Result<PathBuf, String> {
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
    if pointed == text {
        return Ok(());
    }
    // Renamed into place: another run may be reading it, or share it by a hard link.
    let new = headers.join("Makefile.new");
    fs::write(&new, pointed)
        .and_then(|()| fs::rename(&new, &path))
        .map_err(|error| format!("{}: {error}", path.display()))
}
