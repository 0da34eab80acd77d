//! Channels, children, and the programs that a process becomes: close-on-exec, and the shell behind `offsched bind`.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use offsched_abi::node::BIND_WAIT;
use rustix::fs::OFlags;
use rustix::io::{Errno, FdFlags, fcntl_setfd, read};
use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;
use crate::case::Case;
use crate::clients::printed_by;
use crate::node::{bound, call, echo_once, request, want};
use crate::raw;
use crate::rig::Rig;

const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(2);

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a child does not keep a killed owner's channel", forked),
        Case::new("a channel closes on exec", closes),
        Case::new("another program has no channel", becomes),
        Case::new("a channel stays over exec if told so", stays),
        Case::new("a shell binds, writes and reads", shell),
        Case::new("a shell's input and output are a channel", redirected),
        Case::new("what offsched bind refuses", refused),
    ]
}

/// Is another program; why not, if it returns.
fn sleep_instead() -> std::io::Error {
    Command::new("sleep").arg("1000").exec()
}

/// In a process of its own: binds, then is `sleep` until killed.
pub fn become_another(keeping: bool) -> ExitCode {
    let held = bound(OFlags::empty()).and_then(|(handle, _)| {
        if keeping {
            call("fcntl", fcntl_setfd(&handle, FdFlags::empty()))?;
        }
        println!("bound");
        Err::<(), _>(format!("sleep: {}", sleep_instead()))
    });
    println!("{held:?}");
    ExitCode::FAILURE
}

/// A handle with a channel of the echo, when there is one.
fn bound_waiting() -> Result<OwnedFd, String> {
    let handle = call("open", raw::open(OFlags::RDWR))?;
    let mut bind = request();
    bind.flags = BIND_WAIT;
    call("bind", raw::bind(&handle, &mut bind))?;
    Ok(handle)
}

/// In a process of its own: binds, leaves a thread in the middle of a read, and becomes another program by a third.
pub fn become_beside_a_reader() -> ExitCode {
    let bound = bound_waiting().map(|handle| {
        std::thread::spawn(move || read(&handle, &mut [0; 64]));
        std::thread::sleep(Duration::from_millis(50));
        std::thread::spawn(sleep_instead).join()
    });
    println!("{bound:?}");
    ExitCode::FAILURE
}

/// The channel is its program's: the next one that the process becomes has closed it.
fn becomes(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let _others = [bound(OFlags::empty())?, bound(OFlags::empty())?];
    let child = Command::new("/proc/self/exe").args([".", "become"]).spawn();
    let mut child = child.map_err(|error| format!("a child: {error}"))?;
    let begin = Instant::now();
    let mut was_taken = false;
    let outcome = loop {
        match bound(OFlags::empty()) {
            Ok(_) if was_taken => break child.try_wait().map_err(|error| error.to_string()),
            Ok(_) => {}
            Err(_) => was_taken = true,
        }
        if begin.elapsed() > PATIENCE {
            break Err(format!("taken before: {was_taken}; not free"));
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let killed = child.kill().and_then(|()| child.wait());
    killed.map_err(|error| format!("kill: {error}"))?;
    core.give_back()?;
    match outcome? {
        None => Ok(()),
        Some(status) => Err(format!("the child has ended with {status}")),
    }
}

/// In a process of its own: binds, has a child with copies of all, says its number, and waits to be killed.
pub fn fork() -> ExitCode {
    let held = bound(OFlags::empty()).and_then(|(handle, _)| {
        println!("{}", call("fork", raw::fork())?);
        Ok::<_, String>(handle)
    });
    if held.is_ok() {
        std::thread::sleep(2 * PATIENCE);
    }
    println!("{:?}", held.map(|_| "still here"));
    ExitCode::FAILURE
}

/// This program in a scenario, and the first line that it says.
fn child(scenario: &str) -> Result<(Child, String), String> {
    let mut child = Command::new("/proc/self/exe")
        .args([".", scenario])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("a child: {error}"))?;
    let output = child.stdout.take().ok_or("a child without output")?;
    let mut line = String::new();
    let read = BufReader::new(output).read_line(&mut line);
    read.map_err(|error| format!("a child's output: {error}"))?;
    Ok((child, line))
}

/// A child that has bound a channel and is another program now.
fn another(scenario: &str) -> Result<Child, String> {
    let (child, line) = child(scenario)?;
    if line != "bound\n" {
        return Err(format!("the child said: {line}"));
    }
    let name = format!("/proc/{}/comm", child.id());
    let begin = Instant::now();
    loop {
        match std::fs::read_to_string(&name) {
            Ok(text) if text == "sleep\n" => return Ok(child),
            Ok(_) if begin.elapsed() < PATIENCE => std::thread::sleep(LOOK),
            other => return Err(format!("no `sleep`: {other:?}")),
        }
    }
}

fn kill(mut child: Child) -> Outcome {
    let alive = child.try_wait().map_err(|error| error.to_string())?;
    child
        .kill()
        .and_then(|()| child.wait())
        .map_err(|error| format!("kill: {error}"))?;
    match alive {
        None => Ok(()),
        Some(status) => Err(format!("the child had ended: {status}")),
    }
}

/// The grandchild sleeps on with a copy of the handle.
fn forked(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let _others = [bound(OFlags::empty())?, bound(OFlags::empty())?];
    let (owner, line) = child("fork")?;
    let grandchild = line.trim().parse().ok().and_then(Pid::from_raw);
    let grandchild = grandchild.ok_or(format!("the child said: {line}"))?;
    let handle = call("open", raw::open(OFlags::RDWR))?;
    want("taken", raw::bind(&handle, &mut request()), Errno::BUSY)?;
    kill(owner)?;
    let mut bind = request();
    (bind.flags, bind.wait_ms) = (BIND_WAIT, PATIENCE.as_millis() as u32);
    call("bind", raw::bind(&handle, &mut bind))?;
    echo_once(&handle, 1)?;
    // It was there all the while.
    call("kill", kill_process(grandchild, Signal::KILL))?;
    core.give_back()
}

fn closes(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let _others = [bound(OFlags::empty())?, bound(OFlags::empty())?];
    let child = another("exec")?;
    // Closed before the other program ran, so there is nothing to wait for.
    let (third, _) = bound(OFlags::empty())?;
    echo_once(&third, 1)?;
    kill(child)?;
    core.give_back()
}

fn stays(rig: &Rig) -> Outcome {
    let core = rig.start("echoes")?;
    let _others = [bound(OFlags::empty())?, bound(OFlags::empty())?];
    let child = another("exec-keeping")?;
    let handle = call("open", raw::open(OFlags::RDWR))?;
    want("taken", raw::bind(&handle, &mut request()), Errno::BUSY)?;
    kill(child)?;
    let mut bind = request();
    bind.flags = BIND_WAIT;
    call("bind", raw::bind(&handle, &mut bind))?;
    echo_once(&handle, 1)?;
    core.give_back()
}

/// The README's line: a one-shot timer, told that it is started and that it has expired.
fn shell(rig: &Rig) -> Outcome {
    let script = r#"printf "\1\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" >&3; dd bs=64 count=2 <&3 2>/dev/null"#;
    let core = rig.start("timers")?;
    let mut bind = rig.program("offsched");
    bind.args(["bind", "timer", "--fd", "3", "--", "sh", "-c", script]);
    bind.stdin(Stdio::null());
    let output = bind.output().map_err(|error| error.to_string())?;
    core.give_back()?;
    // Kind and timer of each reply, of 32 bytes.
    let heads: Vec<_> = output.stdout.chunks(32).map(|reply| &reply[..8]).collect();
    let wanted: [&[u8]; 2] = [&[1, 0, 0, 0, 7, 0, 0, 0], &[2, 0, 0, 0, 7, 0, 0, 0]];
    if heads == wanted && output.stdout.len() == 64 {
        Ok(())
    } else {
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("{:?}\n{errors}", output.stdout))
    }
}

/// Commands of a script share the channel, which none of them opened, and it is free when the script has ended.
fn redirected(rig: &Rig) -> Outcome {
    let script = r#"
        for number in 1 2 3; do
            printf "\000\000\000\000\000\000\000\000$number: a message of 24 bytes"
            dd bs=4096 count=1 2>/dev/null | tail -c 24 >&2
            echo >&2
        done"#;
    let core = rig.start("echoes")?;
    for _ in 0..4 {
        let mut bind = rig.program("offsched");
        bind.args(["bind", "echo", "--", "sh", "-c", script]);
        let output = bind.output().map_err(|error| error.to_string())?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = |number| format!("{number}: a message of 24 bytes\n");
        if !output.status.success() || told != [1, 2, 3].map(line).concat() {
            return Err(format!("{}\n{told}", output.status));
        }
    }
    core.give_back()
}

fn refused(rig: &Rig) -> Outcome {
    let bind = |words: &[&str]| {
        let refusal = printed_by(rig.program("offsched").arg("bind").args(words));
        refusal.map_or_else(|why| why, |text| format!("done: {text}"))
    };
    let core = rig.start("echoes")?;
    let told = [
        (bind(&["ech", "--", "true"]), "the image has: echo"),
        (bind(&["echo", "--", "/no/such"]), "cannot run /no/such"),
        (
            bind(&["echo", "--device", "/dev/null", "--", "true"]),
            "/dev/null is not offsched's device",
        ),
    ];
    core.give_back()?;
    let gone = (bind(&["echo", "--", "true"]), "the core is gone");
    for (told, wanted) in told.into_iter().chain([gone]) {
        if !told.contains(wanted) {
            return Err(format!("`{told}` does not say `{wanted}`"));
        }
    }
    Ok(())
}
