//! The kernel's refusals, in words that say what to do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use offsched_device::ImageError;
use offsched_socket::default_path;
use rustix::io::Errno;

use super::kernel::possible_cpus;
use crate::output::Failure;

const LOCKDOWN: &str = "/sys/kernel/security/lockdown";

fn errno(error: &io::Error) -> Option<Errno> {
    Errno::from_io_error(error)
}

/// A device that cannot be opened for a CPU.
pub fn open(path: &Path, cpu: u32, error: &io::Error) -> Failure {
    let place = path.display();
    Failure::Message(match errno(error) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => format!(
            "no {place}: the kernel module is not loaded; `sudo modprobe offsched` loads an installed one, \
             `sudo insmod devnode/kmod/offsched.ko` one just built{}",
            hosted_devices()
        ),
        Some(Errno::ACCESS | Errno::PERM) => {
            format!("{place} is not for this user: join the group `offsched`, or use sudo")
        }
        Some(Errno::INVAL) => match possible_cpus() {
            Ok(cpus) => format!("there is no CPU {cpu}: this machine has {cpus}"),
            Err(_) => format!("there is no CPU {cpu}"),
        },
        Some(Errno::NOTTY) => format!("{place} is not offsched's device"),
        _ => format!("cannot open {place}: {error}"),
    })
}

/// Sockets of hosted cores, for whoever meant one of those.
fn hosted_devices() -> String {
    let folder = default_path("any")
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sockets: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "sock"))
        .collect();
    match sockets.first() {
        Some(first) => format!(". A hosted core is at {}: say --device", first.display()),
        None => String::new(),
    }
}

/// A file that is no image.
pub fn image(file: &Path, error: &ImageError) -> Failure {
    let advice = match error {
        ImageError::Unreadable(_) | ImageError::Kind(_) | ImageError::NoNote => {
            "; `cargo image` builds one from an app"
        }
        ImageError::Abi(_) => "; `cargo image` builds it anew",
        _ => "",
    };
    Failure::Message(format!("{}: {error}{advice}", file.display()))
}

/// An image that the module does not take.
pub fn load(cpu: u32, error: &io::Error) -> Failure {
    match errno(error) {
        Some(Errno::BUSY) => busy(cpu),
        Some(Errno::NOMEM) => {
            Failure::Message("no memory for the image: Linux has too little to spare".into())
        }
        Some(Errno::PERM) => privilege(),
        Some(Errno::OPNOTSUPP) => Failure::Message(
            "Linux encrypts its memory here (SME, SEV or TDX), of which the module knows nothing: boot without, if you can"
                .into(),
        ),
        _ => Failure::to("load the image", error),
    }
}

/// A CPU that runs an image already.
pub fn busy(cpu: u32) -> Failure {
    Failure::Message(format!(
        "CPU {cpu} runs an image already: `offsched stop --cpu {cpu}` ends it"
    ))
}

/// An image with these services that did not start.
pub fn start(cpu: u32, error: &io::Error, services: &str) -> Failure {
    Failure::Message(match errno(error) {
        Some(Errno::NOENT) => format!(
            "--allow names a service that the image does not have, so it was stopped; it has: {services}"
        ),
        Some(Errno::IO) => format!(
            "the image gave no sign of life, and CPU {cpu} is Linux's again; was it built for this module (`cargo image`)?"
        ),
        Some(Errno::NOEXEC) => format!(
            "the image's tables make no sense, or are not what its file said, and CPU {cpu} is Linux's again: \
             build it anew (`cargo image`)"
        ),
        Some(Errno::PROTO) => format!(
            "the image is of another ABI than the kernel module, and CPU {cpu} is Linux's again: build both from one \
             version (`cargo image`, and the module)"
        ),
        Some(Errno::NODEV) => format!(
            "CPU {cpu} is not online: `echo 1 | sudo tee /sys/devices/system/cpu/cpu{cpu}/online`, then again"
        ),
        Some(Errno::BUSY) => format!(
            "Linux does not give CPU {cpu} away now: something keeps it, such as a suspend or another hot-plug; try again"
        ),
        Some(Errno::PERM) => return privilege(),
        _ => format!("cannot start the image on CPU {cpu}: {error}"),
    })
}

/// A command that the module refuses to this user, or to all.
pub fn control(what: &str, error: &io::Error) -> Failure {
    match errno(error) {
        Some(Errno::PERM) => privilege(),
        _ => Failure::to(what, error),
    }
}

/// Loading an image is loading code into the kernel's ring.
fn privilege() -> Failure {
    let lockdown = fs::read_to_string(LOCKDOWN).unwrap_or_default();
    let text = match locked(&lockdown) {
        Some(mode) => format!(
            "the kernel is locked down ({mode}), so images are refused, as unsigned modules are: \
             boot without lockdown (often: without Secure Boot) to use them"
        ),
        None => "starting and stopping cores needs what loading a module needs, CAP_SYS_MODULE: use sudo".into(),
    };
    Failure::Message(text)
}

/// The mode in brackets, unless it is `none`.
fn locked(text: &str) -> Option<&str> {
    let mode = text.split_once('[')?.1.split_once(']')?.0;
    (mode != "none").then_some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(failure: Failure) -> String {
        match failure {
            Failure::Message(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn from(errno: Errno) -> io::Error {
        errno.into()
    }

    #[test]
    fn lockdown_is_told_from_a_missing_privilege() {
        assert_eq!(
            locked("none [integrity] confidentiality\n"),
            Some("integrity")
        );
        assert_eq!(locked("[none] integrity confidentiality\n"), None);
        assert_eq!(locked(""), None);
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let path = Path::new("/dev/offsched");
        assert!(text(open(path, 1, &from(Errno::NOENT))).contains("modprobe offsched"));
        assert!(text(open(path, 1, &from(Errno::ACCESS))).contains("group `offsched`"));
        assert!(
            text(open(path, 4096, &from(Errno::INVAL))).contains("no CPU 4096: this machine has 0")
        );
        assert!(text(load(1, &from(Errno::BUSY))).contains("offsched stop --cpu 1"));
        assert!(text(start(1, &from(Errno::NODEV), "")).contains("/cpu1/online"));
        assert!(text(start(1, &from(Errno::IO), "")).contains("no sign of life"));
        assert!(text(start(1, &from(Errno::NOEXEC), "")).contains("tables make no sense"));
        assert!(text(start(1, &from(Errno::PROTO), "")).contains("another ABI"));
        assert!(text(start(1, &from(Errno::NOENT), "a, b")).ends_with("it has: a, b"));
        assert!(text(image(Path::new("x"), &ImageError::NoNote)).contains("cargo image"));
    }
}
