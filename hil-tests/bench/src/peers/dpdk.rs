//! DPDK's rte_timer and rte_ring, where its test program is installed: quoted, not linked.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::rings::Pair;

/// What `dpdk-test timer_perf_autotest` says about adding and expiring timers, or why there is nothing to quote.
pub fn timers() -> Vec<String> {
    quote("timer", &[], |text| {
        let lines = text.lines().filter(|line| line.contains("Time"));
        lines.map(|line| line.trim().to_owned()).collect()
    })
}

/// What `dpdk-test ring_perf_autotest` says about 16-byte elements between the same two CPUs, in cycles an element, or
/// why there is nothing to quote.
pub fn ring(pair: Pair) -> Vec<String> {
    let cpus = format!("{},{}", pair.app, pair.core);
    quote("ring", &["-l", &cpus], two_cores)
}

/// The lines of the 16-byte elements' part on two cores, for one sender and one receiver.
fn two_cores(text: &str) -> Vec<String> {
    let mut heading = "";
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("###") {
            heading = line;
        } else if heading.contains("two physical cores") && line.contains("element size 16B: SP/SC")
        {
            found.push(format!("rte_ring between two cores: {line}"));
        }
    }
    found
}

/// Cycles of an element in bulks of as many as our batches, in what [`ring`] found.
pub fn cycles(quoted: &[String]) -> Option<f64> {
    let figures = quoted
        .iter()
        .filter_map(|line| line.split_once("bulk (size: 32): "));
    figures
        .filter_map(|(_, figure)| figure.trim().parse().ok())
        .find(|cycles| *cycles > 0.0)
}

fn quote(what: &str, options: &[&str], lines: fn(&str) -> Vec<String>) -> Vec<String> {
    match run(what, options) {
        Ok(text) => match lines(&text) {
            lines if lines.is_empty() => vec![format!("dpdk-test said nothing about its {what}")],
            lines => lines
                .iter()
                .map(|line| format!("dpdk-test: {line}"))
                .collect(),
        },
        Err(error) => vec![format!(
            "DPDK rte_{what}: skipped, dpdk-test does not run here ({error})"
        )],
    }
}

fn run(what: &str, options: &[&str]) -> std::io::Result<String> {
    // The program's own time limit for a test is 10 minutes; `timeout` is coreutils' and is everywhere.
    let mut child = Command::new("timeout")
        .args(["60", "dpdk-test", "--no-huge", "--no-pci", "-m", "512"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A program that has ended already shows in its status.
        let _ = input.write_all(format!("{what}_perf_autotest\nquit\n").as_bytes());
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
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_on_two_cores_is_found() {
        let text = "### Testing bulk enq/deq ###\n\
                    elem APIs: element size 16B: SP/SC: bulk (size: 32): 44.31\n\
                    ### Testing using two physical cores ###\n\
                    legacy APIs: SP/SC: bulk (size: 32): 3.82\n\
                    elem APIs: element size 16B: SP/SC: bulk (size: 32): 61.18\n\
                    elem APIs: element size 16B: MP/MC: bulk (size: 32): 114.00\n\
                    ### Testing using all worker nodes ###\n";
        let line = "rte_ring between two cores: elem APIs: element size 16B: SP/SC: bulk (size: 32): 61.18";
        assert_eq!(two_cores(text), [line]);
        assert_eq!(cycles(&two_cores(text)), Some(61.18));
        assert_eq!(cycles(&["dpdk-test: skipped".to_owned()]), None);
    }
}
