//! The cases on this machine's hosted port. They are cargo's tests there: the
//! apps against the same files of expected output, the core's own drills, and
//! those of applications and logs, which are the kernel device's too.

use std::path::Path;
use std::process::Stdio;

use crate::build::cargo;
use crate::report::Report;

/// Package and test of each, and what its cases are called.
const TESTS: [(&str, &str, &str); 5] = [
    ("offsched-apps", "hosted", "app"),
    ("offsched-hosted", "core", "core"),
    ("offsched-hosted", "crash", "crash"),
    ("offsched-clients", "hosted", "drill"),
    ("offsched-logs", "log", "log"),
];

/// Runs them.
///
/// # Errors
/// What could not be built or started.
pub fn run(root: &Path) -> Result<Report, String> {
    let mut lines = String::new();
    for (package, test, word) in TESTS {
        println!("running {package}, {test}");
        let output = cargo()
            .current_dir(root)
            .args(["test", "--quiet", "--package", package, "--test", test])
            // Its own form of one line for each test.
            .args(["--", "--format=pretty", "--color=never"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot start cargo: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        lines += &cases(word, &text).ok_or_else(|| {
            format!(
                "{package}, {test}: no result ({}); see above",
                output.status
            )
        })?;
    }
    Ok(Report::parse(&(lines + "done\n")))
}

/// What libtest says, as the guest's program would; `None` if it did not come to its end.
fn cases(word: &str, text: &str) -> Option<String> {
    text.lines().find(|line| line.starts_with("test result:"))?;
    let mut lines = String::new();
    for line in text.lines() {
        let Some((name, result)) = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... "))
        else {
            continue;
        };
        match result {
            "ok" => lines += &format!("pass {word} {name}\n"),
            result if result.starts_with("ignored") => {}
            _ => lines += &format!("fail {word} {name}: {}\n", said(name, text)),
        }
    }
    Some(lines)
}

/// What a failed test printed.
fn said(name: &str, text: &str) -> String {
    let begin = format!("---- {name} stdout ----");
    let lines = text.lines().skip_while(|line| *line != begin).skip(1);
    let lines = lines.take_while(|line| !line.starts_with("---- ") && *line != "failures:");
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n  | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\nrunning 3 tests\ntest lock ... ok\ntest pace ... ignored\ntest stop ... FAILED\n\n\
        failures:\n\n---- stop stdout ----\nprinted this\nnot that\n\n\nfailures:\n    stop\n\n\
        test result: FAILED. 1 passed; 1 failed; 1 ignored\n";

    #[test]
    fn tests_become_cases() {
        let expected = "pass app lock\nfail app stop: printed this\n  | not that\n";
        assert_eq!(cases("app", TEXT).as_deref(), Some(expected));
    }

    #[test]
    fn a_program_that_died_has_no_cases() {
        assert_eq!(cases("app", "running 2 tests\ntest lock ... ok\n"), None);
    }
}
