//! A guest with a person in it: `cargo xtask vm`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use clap::Args;

use crate::initramfs::{Vm, pack_vm};
use crate::machine::{Boot, Machine, Time};
use crate::options::cache_folder;
use crate::parts::{self, INSTALL, Parts, Suite};
use crate::{build, root};

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
const CHECK: &str = concat!(include_str!("vm/check.sh"), include_str!("vm/crash.sh"));
const EXPECTED: &str = concat!(
    include_str!("vm/expected.txt"),
    include_str!("vm/crash.txt")
);
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
    let done = match (&options.script, options.check) {
        (None, false) => interactive(options).map(|()| 0),
        (Some(script), _) => scripted(options, script, |line| println!("{line}")),
        (None, true) => check(options),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("vm: {why}");
            ExitCode::FAILURE
        }
    }
}

/// QEMU with everything but the shell's line.
fn command(options: &Options, script: Option<&str>) -> Result<Command, String> {
    let wanting =
        |why| format!("{why}\nvm: it wants a Debian, a mirror for apt, and: {INSTALL}");
    parts::tools().map_err(wanting)?;
    let root = root()?;
    let work = build::target_folder(root).join("hil");
    let parts = Parts::open(&cache_folder(options.cache.as_deref())?)?;
    let qemu = parts.qemu().map_err(wanting)?;
    let kernel = parts.kernel(options.kernel).map_err(wanting)?;
    let module = build::module(root, &work, &kernel, None)?;
    eprintln!("building the command and images");
    let program = build::static_program(root, &work, "offsched-cli", "offsched")?;
    let images = build::images(root, &work, &IMAGES.map(str::to_owned))?;
    let mut texts = vec![("hint", HINT.to_owned()), ("profile", profile())];
    texts.extend(script.map(|script| ("script", script.to_owned())));
    let vm = Vm {
        command: &program,
        images: &images,
        texts: &texts,
    };
    let initramfs = pack_vm(&work, &kernel, &module, &vm)?;
    let machine = Machine {
        cpus: options.cpus,
        x2apic: options.x2apic,
        time: Time::Real,
    };
    eprintln!("booting {}, {} CPUs", kernel.release, options.cpus);
    let mut command = machine.command(&Boot {
        qemu: &qemu,
        kernel: &kernel,
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

fn interactive(options: &Options) -> Result<(), String> {
    let mut command = command(options, None)?;
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
fn scripted(options: &Options, script: &str, mut line: impl FnMut(&str)) -> Result<u8, String> {
    let mut child = command(options, Some(script))?
        .args(["-serial", "stdio"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start QEMU: {error}"))?;
    let out = child.stdout.take().ok_or("QEMU has no output")?;
    let read = read_until_exit(out, Duration::from_secs(options.patience), &mut line);
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

/// Compares what a newcomer sees with what he should.
fn check(options: &Options) -> Result<u8, String> {
    let mut found = Vec::new();
    scripted(options, CHECK, |line| found.push(line.to_owned()))?;
    let Some((at, pattern)) = difference(EXPECTED, &found) else {
        println!("1 passed, 0 failed");
        return Ok(0);
    };
    for line in &found[..found.len().min(at)] {
        println!("  {line}");
    }
    println!("- {}", pattern.unwrap_or("(the end)"));
    println!("+ {}", found.get(at).map_or("(the end)", String::as_str));
    found
        .iter()
        .skip(at + 1)
        .for_each(|line| println!("  {line}"));
    println!("0 passed, 1 failed");
    fs::write(
        build::target_folder(root()?).join("hil/vm-found.txt"),
        found.join("\n") + "\n",
    )
    .map_err(|error| format!("vm-found.txt: {error}"))?;
    Ok(1)
}

/// The first line that is not as expected: its number among those found, and what it should be; `None` is the end. A
/// pattern behind a `?` may be missing.
fn difference<'a>(expected: &'a str, found: &[String]) -> Option<(usize, Option<&'a str>)> {
    let mut at = 0;
    for pattern in expected.lines() {
        let line = found.get(at);
        let optional = pattern.strip_prefix('?');
        if line.is_some_and(|line| matches(optional.unwrap_or(pattern), line)) {
            at += 1;
        } else if optional.is_none() {
            return Some((at, Some(pattern)));
        }
    }
    (at < found.len()).then_some((at, None))
}

/// Whether a line is as the pattern says, in which `*` is anything.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_and_all_else_is_itself() {
        for (pattern, line) in [
            ("a", "a"),
            ("*", ""),
            ("a*c", "abc"),
            ("a*b*c", "a-bb-c"),
            ("up * s, *", "up 1.2 s, x"),
        ] {
            assert!(matches(pattern, line), "{pattern} {line}");
        }
        for (pattern, line) in [
            ("a", "ab"),
            ("a*c", "ab"),
            ("a*b*c", "acb"),
            ("*c", "cd"),
            ("ab*b", "ab"),
        ] {
            assert!(!matches(pattern, line), "{pattern} {line}");
        }
    }

    #[test]
    fn a_line_behind_a_question_mark_may_be_missing() {
        let found = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let expected = "a\n?b *\n?b *\nc";
        for text in ["a\nc", "a\nb 1\nc", "a\nb 1\nb 2\nc"] {
            assert_eq!(difference(expected, &found(text)), None, "{text}");
        }
        assert_eq!(difference(expected, &found("a\nb 1")), Some((2, Some("c"))));
        assert_eq!(
            difference(expected, &found("a\nx\nc")),
            Some((1, Some("c")))
        );
        assert_eq!(difference(expected, &found("a\nc\nd")), Some((2, None)));
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
