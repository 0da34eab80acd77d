//! The report as tables in 100 columns, or as one JSON object.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::report::{Bound, Derived, LABEL_WIDTH, Measured, Report};
use crate::rows::groups;
use crate::sizes;

/// The report for people.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    for (heading, rows) in groups() {
        let lines: Vec<&Measured> = report
            .measured
            .iter()
            .filter(|one| rows.iter().any(|row| row.id == one.row.id))
            .collect();
        if !lines.is_empty() {
            line(
                &mut out,
                format_args!(
                    "\n{heading:<LABEL_WIDTH$} {:>8} {:>7} {:>6} {:>6} {:>7} {:>9}  target",
                    "fine", "best", "p50", "p99", "p99.9", "max"
                ),
            );
            lines.iter().for_each(|one| measured(&mut out, one));
        }
    }
    if !report.derived.is_empty() {
        line(&mut out, format_args!("\nwhat follows"));
        report.derived.iter().for_each(|one| derived(&mut out, one));
    }
    memory(&mut out);
    if !report.notes.is_empty() {
        line(&mut out, format_args!(""));
        report
            .notes
            .iter()
            .for_each(|note| line(&mut out, format_args!("note: {note}")));
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{text}");
}

fn head(out: &mut String, report: &Report) {
    line(
        out,
        format_args!(
            "offsched beside its peers: CPU {}, TSC {:.1} MHz, {} rounds",
            report.cpu,
            report.hz as f64 / 1e6,
            report.rounds
        ),
    );
    line(
        out,
        format_args!(
            "All figures are TSC cycles for one operation. The counter advances in steps of {}; reading it takes\n\
         {:.1} (taken off), with fences before and behind, so a single operation cannot hide behind its\n\
         neighbours. fine: median of means over 64 operations; best: the least of them; p50, p99, p99.9:\n\
         single operations, in those steps; max: as it was, the machine's interruptions included.",
            report.step, report.empty.fine
        ),
    );
}

fn verdict(met: Option<bool>, target: &str) -> String {
    match met {
        Some(true) => format!("{target}: met"),
        Some(false) => format!("{target}: MISSED"),
        None => String::new(),
    }
}

fn measured(out: &mut String, one: &Measured) {
    let target = one
        .row
        .target
        .map_or(String::new(), |target| format!("{target}"));
    let [p50, p99, p999] = one.summary.quantiles;
    let text = format!(
        "{:<LABEL_WIDTH$} {:>8.1} {:>7.1} {p50:>6} {p99:>6} {p999:>7} {:>9}  {}",
        one.row.label,
        one.summary.fine,
        one.summary.best,
        one.summary.max,
        verdict(one.is_met(), &target)
    );
    line(out, format_args!("{}", text.trim_end()));
}

fn derived(out: &mut String, one: &Derived) {
    let show = |value: f64| {
        if one.is_share {
            format!("{:.1}%", value * 100.0)
        } else {
            format!("{value:.2}x")
        }
    };
    let target = match one.target {
        Some(Bound::Most(most)) => show(most),
        Some(Bound::Least(least)) => format!(">= {}", show(least)),
        None => String::new(),
    };
    let text = format!(
        "{:<LABEL_WIDTH$} {:>8}  {}",
        one.label,
        show(one.value),
        verdict(one.is_met(), &target)
    );
    line(out, format_args!("{}", text.trim_end()));
}

fn memory(out: &mut String) {
    line(
        out,
        format_args!("\n{:<LABEL_WIDTH$} {:>8}", "memory, bytes", "each"),
    );
    for (name, bytes) in sizes::of_task().into_iter().chain(sizes::of_core()) {
        line(out, format_args!("{name:<LABEL_WIDTH$} {bytes:>8}"));
    }
    let per_task: usize = sizes::of_task().iter().map(|(_, bytes)| bytes).sum();
    line(
        out,
        format_args!(
            "{:<LABEL_WIDTH$} {per_task:>8}",
            "a task, with one place for a job"
        ),
    );
    let total = sizes::total(sizes::TASKS);
    let target = verdict(
        Some(total < sizes::TOTAL_MAX),
        &sizes::TOTAL_MAX.to_string(),
    );
    line(
        out,
        format_args!(
            "{:<LABEL_WIDTH$} {total:>8}  {target}",
            format!("a core with {} tasks", sizes::TASKS)
        ),
    );
}

/// The report for programs: one object.
pub fn object(report: &Report) -> Value {
    let rows: serde_json::Map<String, Value> = report
        .measured
        .iter()
        .map(|one| (one.row.id.to_owned(), row(one)))
        .collect();
    let derived = report.derived.iter().map(|one| {
        (
            one.id.to_owned(),
            match one.target {
                Some(Bound::Least(least)) => {
                    json!({ "value": one.value, "target_min": least, "is_met": one.is_met() })
                }
                _ => {
                    let most = one.target.map(Bound::value);
                    json!({ "value": one.value, "target_max": most, "is_met": one.is_met() })
                }
            },
        )
    });
    let sizes = |parts: &[(&str, usize)]| {
        parts
            .iter()
            .map(|(name, bytes)| (name.to_string(), json!(bytes)))
            .collect::<serde_json::Map<_, _>>()
    };
    json!({
        "cpu": report.cpu,
        "rounds": report.rounds,
        "tsc": {
            "hz": report.hz,
            "step_cycles": report.step,
            "empty_cycles": { "fine": report.empty.fine, "p50": report.empty.single },
        },
        "rows_cycles": rows,
        "derived": derived.collect::<serde_json::Map<_, _>>(),
        "bytes": {
            "task": sizes(&sizes::of_task()),
            "core": sizes(&sizes::of_core()),
            "total_64_tasks": sizes::total(sizes::TASKS),
            "total_64_tasks_max": sizes::TOTAL_MAX,
        },
        "notes": report.notes,
        "is_good": report.is_good(),
    })
}

fn row(one: &Measured) -> Value {
    let [p50, p99, p999] = one.summary.quantiles;
    json!({
        "label": one.row.label,
        "fine": one.summary.fine,
        "best": one.summary.best,
        "p50": p50,
        "p99": p99,
        "p999": p999,
        "max": one.summary.max,
        "target_max": one.row.target,
        "is_met": one.is_met(),
    })
}
