//! A guest with a person in it: `cargo xtask vm`.

mod newcomer;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use clap::Args;

use crate::initramfs::{Vm, pack_vm};
use crate::machine::{Boot, Machine, Time};
use crate::options::cache_folder;
use crate::parts::{self, INSTALL, Kernel, Parts, Qemu, Suite};
use crate::{build, root};
pub use newcomer::check;

/// The images in the guest: some that work, and some that do not.
const IMAGES: [&str; 7] = [
    "offsched_apps::sample::App",
    "offsched_drills::timers::App",
    "offsched_drills::panic::App",
    "offsched_drills::wedge::App",
    "offsched_drills::overflow::App",
    "offsched_logs::fails::App",
    "offsched_logs::log::App",
];
const HINT: &str = include_str!("vm/hint.txt");
/// The guest's last line of a script.
const EXIT: &str = "-- exit ";

/// Boot a stock Debian kernel in QEMU, with the device and a shell in it
///
/// The first run fetches kernel, headers, busybox and QEMU into a cache folder, without root. The
/// guest has the kernel module loaded, `offsched` in its path and images in /images. Ctrl-A X ends
/// it, and so does `exit`.
#[derive(Args)]
pub struct Options {
    /// Which kernel
    #[arg(long, value_enum, default_value = "backports")]
    kernel: Suite,
    /// Processors of the guest
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=8))]
    cpus: u32,
    /// Let the guest use the x2APIC
    #[arg(long)]
    x2apic: bool,
    /// Run these commands instead of a shell; their exit code is ours
    #[arg(long, value_name = "COMMANDS")]
    script: Option<String>,
    /// Run a newcomer's commands and compare what they print with what they should
    #[arg(long, conflicts_with = "script")]
    check: bool,
    /// Seconds after which a script counts as hung
    #[arg(long, value_name = "S", default_value_t = 300)]
    patience: u64,
    /// Where fetched parts are kept (default: offsched in the user's cache folder)
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

/// Boots, and ends as the guest does.
pub fn run(options: &Options) -> ExitCode {
    let done = |setup: &Setup<'_>| match (&options.script, options.check) {
        (None, false) => interactive(setup).map(|()| 0),
        (Some(script), _) => scripted(setup, script, |line| println!("{line}")),
        (None, true) => Ok(tell(check(setup))),
    };
    match with_setup(options, done) {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("vm: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What a guest is made of.
pub struct Setup<'a> {
    pub qemu: &'a Qemu,
    pub kernel: &'a Kernel,
    pub module: &'a Path,
    /// The program `offsched`, static.
    pub program: &'a Path,
    /// ELF files by name; those that nobody needs here are left out.
    pub images: &'a [(String, PathBuf)],
    pub machine: Machine,
    /// Until a script counts as hung.
    pub patience: Duration,
}

/// Until a script of ours counts as hung.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A newcomer's commands, as a case among the harness's.
pub const TITLE: &str = "a newcomer's commands";

/// Fetches and builds what it is made of.
fn with_setup<R>(
    options: &Options,
    run: impl FnOnce(&Setup<'_>) -> Result<R, String>,
) -> Result<R, String> {
    let wanting = |why| format!("{why}\nvm: it wants a Debian, a mirror for apt, and: {INSTALL}");
    parts::tools().map_err(wanting)?;
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    let parts = Parts::open(&cache_folder(options.cache.as_deref())?)?;
    let qemu = parts.qemu().map_err(wanting)?;
    let kernel = parts.kernel(options.kernel).map_err(wanting)?;
    let module = build::module(root, &work, &kernel, None)?;
    eprintln!("building the command and images");
    run(&Setup {
        qemu: &qemu,
        kernel: &kernel,
        module: &module,
        program: &build::static_program(root, &work, "offsched-cli", "offsched")?,
        images: &build::images(root, &work, &IMAGES.map(str::to_owned))?,
        machine: Machine {
            cpus: options.cpus,
            x2apic: options.x2apic,
            time: Time::Real,
        },
        patience: Duration::from_secs(options.patience),
    })
}

/// QEMU with everything but the shell's line.
fn command(setup: &Setup<'_>, script: Option<&str>) -> Result<Command, String> {
    let work = build::target_folder(root()?).join("hil");
    let mut texts = vec![("hint", HINT.to_owned()), ("profile", profile())];
    texts.extend(script.map(|script| ("script", script.to_owned())));
    let wanted = |name: &String| IMAGES.iter().any(|app| named(app) == Some(name));
    let images: Vec<_> = setup
        .images
        .iter()
        .filter(|(name, _)| wanted(name))
        .cloned()
        .collect();
    let vm = Vm {
        command: setup.program,
        images: &images,
        texts: &texts,
    };
    let initramfs = pack_vm(&work, setup.kernel, setup.module, &vm)?;
    eprintln!("booting {}, {}", setup.kernel.release, setup.machine);
    let mut command = setup.machine.command(&Boot {
        qemu: setup.qemu,
        kernel: setup.kernel,
        initramfs: &initramfs,
        processor: "",
        words: "",
        arguments: &[],
        reboots: false,
    });
    let log = work.join("vm-kernel.log");
    command
        .arg("-serial")
        .arg(format!("file:{}", log.display()));
    Ok(command)
}

/// The image's name of an app by its path.
fn named(app: &str) -> Option<&str> {
    app.split("::").nth(1)
}

/// What the guest's shell reads first: our terminal's size, a prompt, the hint.
fn profile() -> String {
    let size = Command::new("stty")
        .arg("size")
        .stdin(Stdio::inherit())
        .output();
    let size = size
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let size = size.as_deref().and_then(|text| text.trim().split_once(' '));
    let (rows, columns) = size.unwrap_or(("24", "80"));
    format!("stty rows {rows} cols {columns}\nPS1='guest:\\w# '\ncat /hint\nunset ENV\n")
}

fn interactive(setup: &Setup<'_>) -> Result<(), String> {
    let mut command = command(setup, None)?;
    let status = command
        .args(["-serial", "mon:stdio"])
        .status()
        .map_err(|error| format!("cannot start QEMU: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("QEMU: {status}"))
    }
}

/// Runs commands in the guest; each line that they print goes to `line`. Returns their exit code.
fn scripted(setup: &Setup<'_>, script: &str, mut line: impl FnMut(&str)) -> Result<u8, String> {
    let mut child = command(setup, Some(script))?
        .args(["-serial", "stdio"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start QEMU: {error}"))?;
    let out = child.stdout.take().ok_or("QEMU has no output")?;
    let read = read_until_exit(out, setup.patience, &mut line);
    if read.is_err() {
        // It ends by itself otherwise.
        let _ = child.kill();
    }
    end(child)?;
    read
}

fn read_until_exit(
    out: impl Read + Send + 'static,
    patience: Duration,
    line: &mut impl FnMut(&str),
) -> Result<u8, String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(out).split(b'\n').map_while(Result::ok);
        // Ends with the lines, or with whoever wants them.
        let _ = lines.map(|line| sender.send(line)).find(Result::is_err);
    });
    let begin = Instant::now();
    loop {
        let left = patience.saturating_sub(begin.elapsed());
        let bytes = lines.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("the guest hangs: no end after {} s", patience.as_secs()),
            RecvTimeoutError::Disconnected => "the guest ended before its script did; its kernel's log is target/hil/vm-kernel.log".to_owned(),
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\r');
        match text.strip_prefix(EXIT).map(str::parse) {
            Some(Ok(code)) => return Ok(code),
            _ => line(text),
        }
    }
}

fn end(mut child: Child) -> Result<(), String> {
    child.wait().map_err(|error| format!("QEMU: {error}"))?;
    Ok(())
}

/// As a case of its own.
fn tell(outcome: Result<(), String>) -> u8 {
    match outcome {
        Ok(()) => println!("1 passed, 0 failed"),
        Err(why) => {
            println!("{why}\n0 passed, 1 failed");
            return 1;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_has_a_name() {
        assert_eq!(
            IMAGES.map(|app| named(app).unwrap()),
            [
                "sample", "timers", "panic", "wedge", "overflow", "fails", "log"
            ]
        );
    }

    #[test]
    fn a_script_ends_with_its_exit_code_or_not_at_all() {
        let run = |text: &'static str| {
            let mut lines = Vec::new();
            let code = read_until_exit(
                text.as_bytes(),
                Duration::from_secs(60),
                &mut |line: &str| lines.push(line.to_owned()),
            );
            (code, lines)
        };
        assert_eq!(
            run("one\r\ntwo\n-- exit 3\nlate\n"),
            (Ok(3), vec!["one".into(), "two".into()])
        );
        let (code, lines) = run("one\n");
        assert!(code.is_err_and(|why| why.contains("ended before its script")));
        assert_eq!(lines, ["one"]);
    }
}
