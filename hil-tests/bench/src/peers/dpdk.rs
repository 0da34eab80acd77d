//! DPDK's rte_timer, where its test program is installed: quoted, not linked.

use std::io::Write;
use std::process::{Command, Stdio};

/// What `dpdk-test timer_perf_autotest` says about adding and expiring timers, or why there is nothing to quote.
pub fn timers() -> Vec<String> {
    match run() {
        Ok(lines) if lines.is_empty() => vec!["dpdk-test said nothing about its timers".to_owned()],
        Ok(lines) => lines,
        Err(error) => vec![format!(
            "DPDK rte_timer: skipped, dpdk-test does not run here ({error})"
        )],
    }
}

fn run() -> std::io::Result<Vec<String>> {
    // The program's own time limit for a test is 10 minutes; `timeout` is coreutils' and is everywhere.
    let mut child = Command::new("timeout")
        .args(["60", "dpdk-test", "--no-huge", "--no-pci", "-m", "512"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A program that has ended already shows in its status.
        let _ = input.write_all(b"timer_perf_autotest\nquit\n");
    }
    let output = child.wait_with_output()?;
    /// `timeout`'s status for a program that it does not find.
    const NOT_FOUND: i32 = 127;
    if output.status.code() == Some(NOT_FOUND) {
        return Err(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "not installed",
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter(|line| line.contains("Time"))
        .map(|line| format!("dpdk-test: {}", line.trim()))
        .collect())
}
