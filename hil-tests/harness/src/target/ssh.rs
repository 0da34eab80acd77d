//! The cases on a lab machine: copied there as one folder, run, removed.
//!
//! Needs a login without a password, and there: root or a sudo without a
//! password, tar, and either kernel headers with make and a compiler, or a
//! module built elsewhere.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clap::Args;

use crate::build::{self, CLIENT_MODULES, Cases};
use crate::report::Report;

/// Looks what is missing on the machine.
const CHECK: &str = include_str!("check.sh");
/// Works there.
const REMOTE: &str = include_str!("remote.sh");
/// Unpacks what comes, works there, and leaves the machine as it was found, whatever happens here: with the connection the
/// archive ends short, or the cases do at their next line. In one line and without `!`, for whatever shell a login has.
const SESSION: &str = "place=$(mktemp -d /tmp/offsched.XXXXXX) && trap \"rm -rf $place\" EXIT && \
    trap \"exit 1\" HUP INT TERM && tar -C $place -xf - && sh $place/remote.sh $place \"$@\"; exit";
/// What ssh itself ends with.
const SSH_FAILED: i32 = 255;

/// What a lab machine needs to be told.
#[derive(Args)]
pub struct LabOptions {
    /// ssh: the CPU for the cores
    #[arg(long, value_name = "N", default_value_t = 1)]
    lab_cpu: u32,
    /// ssh: a module built for that machine's kernel (default: built there, from its headers); `offsched_example.ko`
    /// and `offsched_bursts.ko`, clients inside the kernel for some of the cases, are taken too if they lie beside it
    #[arg(long, value_name = "FILE")]
    lab_module: Option<PathBuf>,
}

/// A lab machine that can run the cases.
pub struct Lab<'a> {
    host: &'a str,
    options: &'a LabOptions,
    /// Its kernel's.
    release: String,
}

impl<'a> Lab<'a> {
    /// Looks, before anything is built, whether something is missing here or there.
    ///
    /// # Errors
    /// What it is, and what to do.
    pub fn find(host: &'a str, options: &'a LabOptions) -> Result<Self, String> {
        options.lab_module.as_deref().map_or(Ok(()), check_file)?;
        println!("asking {host}");
        let module = options.lab_module.as_ref().map_or("built", |_| "given");
        let command = format!("sh -s -- {} {module}", options.lab_cpu);
        let release = ask(host, &command, CHECK)?.trim().to_owned();
        Ok(Self {
            host,
            options,
            release,
        })
    }

    /// Copies everything to the machine, runs the cases with these options, and reads what they print.
    ///
    /// # Errors
    /// Which step failed, and what to do.
    pub fn run(&self, root: &Path, work: &Path, words: &[String]) -> Result<Report, String> {
        let Self { host, options, .. } = self;
        let folder = work.join("lab");
        let parts = build::cases(root, work)?;
        stage(&folder, root, &parts, options.lab_module.as_deref())?;
        println!("copying to {host}, {}", self.release);
        let mut session = send(host, &folder, &session(options.lab_cpu, words))?;
        println!("running the cases on {host}, CPU {}", options.lab_cpu);
        follow(host, &mut session)
    }
}

/// That the module given is there.
fn check_file(module: &Path) -> Result<(), String> {
    if module.is_file() {
        return Ok(());
    }
    // `cargo xtask` looks from the project's folder.
    let module = std::path::absolute(module).unwrap_or_else(|_| module.to_owned());
    Err(format!(
        "--lab-module: there is no file {}; without it the module is built on the machine",
        module.display()
    ))
}

/// Puts all that the machine needs into one folder.
fn stage(folder: &Path, root: &Path, cases: &Cases, module: Option<&Path>) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let put = |from: &Path, to: &str| {
        let to = folder.join(to);
        let parent = to.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::copy(from, &to))
            .map_err(|error| format!("{}: {error}", from.display()))
    };
    put(&cases.program, "offsched-guest")?;
    for (name, file) in &cases.images {
        put(file, &format!("cases/images/{name}"))?;
    }
    for (name, file) in &cases.scripts {
        put(file, &format!("cases/{name}"))?;
    }
    for (name, file) in &cases.clients {
        put(file, &format!("cases/bin/{name}"))?;
    }
    for file in files(&cases.expected)? {
        put(&file, &format!("cases/expected/{}", name(&file)))?;
    }
    match module {
        Some(module) => {
            put(module, "cases/offsched.ko")?;
            for (name, file) in beside(module) {
                put(&file, &format!("cases/{name}"))?;
            }
        }
        None => {
            for file in files(&root.join("devnode/kmod"))? {
                put(&file, &format!("kmod/{}", name(&file)))?;
            }
        }
    }
    let script = folder.join("remote.sh");
    fs::write(&script, REMOTE).map_err(|error| format!("{}: {error}", script.display()))
}

/// The clients inside the kernel that lie beside a module: without them their cases are skipped.
fn beside(module: &Path) -> impl Iterator<Item = (&'static str, PathBuf)> {
    CLIENT_MODULES
        .map(|name| (name, module.with_file_name(name)))
        .into_iter()
        .filter(|(_, file)| file.exists())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.is_file()).collect())
}

fn name(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// ssh to the machine, never asking a person anything.
fn ssh(host: &str, command: &str) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.args([
        "-o",
        "BatchMode=yes",
        "-o",
        "ConnectTimeout=20",
        "--",
        host,
        command,
    ]);
    ssh
}

fn no_ssh(error: &std::io::Error) -> String {
    format!("cannot start ssh: {error}; apt install openssh-client")
}

/// Runs a command there, which reads this, and returns what it prints.
fn ask(host: &str, command: &str, input: &str) -> Result<String, String> {
    let mut child = ssh(host, command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| no_ssh(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // What does not read it has its own complaint.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| format!("ssh: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(match output.status.code() {
        Some(SSH_FAILED) => format!(
            "cannot reach {host}: {}; `ssh {host} true` must work without a password",
            said.trim()
        ),
        _ => format!("{host}: {}", said.trim()),
    })
}

/// Starts a command there and sends it the folder, as one stream.
fn send(host: &str, folder: &Path, command: &str) -> Result<Child, String> {
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(folder)
        .args(["-cf", "-", "."])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start tar: {error}"))?;
    let stream = tar.stdout.take().ok_or("tar has no output")?;
    let session = ssh(host, command)
        .stdin(stream)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| no_ssh(&error))?;
    let packed = tar.wait().map_err(|error| format!("tar: {error}"))?;
    if packed.success() {
        Ok(session)
    } else {
        Err(format!("cannot copy to {host}: see above"))
    }
}

/// A word as the shell there leaves it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// What the machine's shell is told.
fn session(cpu: u32, words: &[String]) -> String {
    let words: String = words
        .iter()
        .map(|word| format!(" {}", quoted(word)))
        .collect();
    format!("sh -c {} sh {cpu}{words}", quoted(SESSION))
}

/// Shows the cases as they come.
fn follow(host: &str, session: &mut Child) -> Result<Report, String> {
    let out = session.stdout.take().ok_or("ssh has no output")?;
    let mut text = String::new();
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        println!("{line}");
        text += &line;
        text.push('\n');
    }
    let status = session.wait().map_err(|error| format!("ssh: {error}"))?;
    let report = Report::parse(&text);
    if report.complete {
        return Ok(report);
    }
    Err(match status.code() {
        Some(SSH_FAILED) => format!("{host} went away while its cases ran: look at its console"),
        _ => format!("the cases did not run on {host}: see above"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_inside_the_kernel_are_taken_from_beside_the_module() {
        let folder = std::env::temp_dir().join(format!("offsched-beside-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["offsched.ko", "offsched_bursts.ko", "offsched_other.ko"] {
            fs::write(folder.join(name), name).unwrap();
        }
        let found: Vec<_> = beside(&folder.join("offsched.ko")).collect();
        let bursts = folder.join("offsched_bursts.ko");
        assert_eq!(found, [("offsched_bursts.ko", bursts)]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_module_that_is_not_there_is_named() {
        assert_eq!(check_file(Path::new("Cargo.toml")), Ok(()));
        let why = check_file(Path::new("no/offsched.ko")).unwrap_err();
        assert!(why.contains("/no/offsched.ko;"), "{why}");
        assert!(check_file(Path::new("src")).is_err());
    }

    #[test]
    fn a_shell_can_read_what_it_is_sent() {
        for script in [CHECK, REMOTE] {
            let status = Command::new("sh").args(["-n", "-c", script]).status();
            assert!(status.unwrap().success(), "{script}");
        }
    }

    /// Has this machine's shell unpack and run a script, or be cut off before its end.
    fn work(remote: &str, cut: usize) -> (Option<i32>, String) {
        let name = format!("offsched-session-{}-{cut}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("remote.sh"), remote).unwrap();
        let mut tar = Command::new("tar");
        let tar = tar.arg("-C").arg(&folder).args(["-cf", "-", "."]);
        let archive = tar.output().unwrap().stdout;
        fs::remove_dir_all(&folder).unwrap();
        let mut shell = Command::new("sh")
            .args(["-c", &session(7, &["it's".to_owned()])])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(&archive[..archive.len() - cut]).unwrap();
        drop(stdin);
        let output = shell.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said)
    }

    #[test]
    fn a_machine_is_left_as_it_was_found() {
        let (code, said) = work("echo $1; echo $2 $3; exit 3", 0);
        let (place, words) = said.split_once('\n').unwrap();
        assert_eq!((code, words), (Some(3), "7 it's\n"));
        assert!(place.starts_with("/tmp/offsched.") && !Path::new(place).exists());
    }

    #[test]
    fn what_did_not_arrive_whole_does_not_run() {
        let (code, said) = work("echo ran", 10_000);
        assert!(code != Some(0) && said.is_empty(), "{code:?}: {said}");
    }

    #[test]
    fn a_shell_leaves_a_quoted_word_alone() {
        for word in ["--filter=a b", "it's", "$(x) `y` \\ \"", ""] {
            let line = format!("printf %s {}", quoted(word));
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
    }
}
