//! The command as a newcomer runs it: short demos, bad input, closed outputs.

mod common;

use std::io::Read;
use std::process::Output;

use common::{Place, complaint, interrupt};
use serde_json::Value;

fn object(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_demo_prints_one_object_with_something_in_every_part() {
    let found = object(&Place::new().run(&["demo", "--seconds", "1", "--json"]));
    for path in [
        "/core/ticks",
        "/core/lateness_ns/max",
        "/core/outside_gaps/ticks",
        "/timerfd/lateness_ns/max",
        "/nanosleep/samples",
        "/client/replies",
        "/client/expiries",
    ] {
        let number = found.pointer(path).and_then(Value::as_u64);
        assert!(
            number.is_some_and(|number| number > 0),
            "{path} in {found:#}"
        );
    }
    assert_eq!(
        found.pointer("/client/refused").and_then(Value::as_u64),
        Some(0)
    );
}

#[test]
fn without_a_terminal_a_table_ends_the_output_and_no_escapes_are_in_it() {
    let output = Place::new().run(&["demo", "--seconds", "1"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("\nlateness in ns "),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn an_interrupt_ends_the_demo_early_with_its_figures() {
    let place = Place::new();
    let child = place.long_demo();
    interrupt(&child);
    let found = object(&child.wait_with_output().unwrap());
    assert!(
        found["seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds < 3600.0)
    );
}

#[test]
fn a_second_demo_on_the_same_cpu_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    let first = place.long_demo();
    let second = complaint(&place.run(&["demo", "--seconds", "1"]));
    assert!(
        second.contains("already runs") && second.contains(&first.id().to_string()),
        "{second}"
    );
    interrupt(&first);
    object(&first.wait_with_output().unwrap());
}

#[test]
fn bad_input_is_refused_in_a_line_that_says_what_to_do() {
    let place = Place::new();
    assert!(complaint(&place.run(&["demo", "--cpu", "9999"])).contains("choose from"));
    for args in [["--seconds", "0"], ["--seconds", "-1"], ["--cpu", "x"]] {
        let output = place.run(&["demo", args[0], args[1]]);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
    let nowhere = place
        .command(&["demo"])
        .env("XDG_RUNTIME_DIR", "/proc")
        .output()
        .unwrap();
    assert!(complaint(&nowhere).contains("XDG_RUNTIME_DIR"));
    assert!(complaint(&place.run(&["analyse", "/no/such/file.rs"])).contains("/no/such/file.rs"));
    assert!(
        complaint(&place.run(&["analyse", "/"]))
            .contains("/ is a folder: give the app's `.rs` file")
    );
}

#[test]
fn a_reader_that_leaves_ends_the_demo_without_a_complaint() {
    let place = Place::new();
    let mut child = place
        .command(&["demo", "--seconds", "3600"])
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 1];
    out.read_exact(&mut first).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && !errors.contains("panicked"),
        "{errors}"
    );
}
