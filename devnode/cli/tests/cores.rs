//! The commands about cores, as far as no kernel device is needed.

mod common;

use std::time::{Duration, Instant};

use common::{Place, complaint, interrupt};
use offsched_abi::message::MessageType;
use serde_json::Value;

/// No module will make this one.
const NO_NODE: &str = "/dev/offsched-that-is-not-there";

#[test]
fn the_status_of_a_hosted_core_has_its_services_and_its_tasks_by_name() {
    let place = Place::new();
    let demo = place.long_demo();
    let socket = place.socket().unwrap();
    let socket = socket.to_str().unwrap();
    let status = || {
        let output = place.run(&["status", "--json", "--device", socket]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let (begin, mut found) = (Instant::now(), status());
    // The demo's application binds a moment after the socket is there.
    while found.pointer("/cores/0/services/0/taken") != Some(&1.into()) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{found:#}");
        found = status();
    }
    let text = place.run(&["status", "--device", socket]);
    let services = place.run(&["services", "--device", socket]);
    let bound = complaint(&place.run(&["bind", "timer", "--device", socket, "--", "true"]));
    interrupt(&demo);
    demo.wait_with_output().unwrap();
    assert!(
        bound.starts_with(&format!("{socket} is a hosted core's socket, ")),
        "{bound}"
    );
    for (path, expected) in [
        ("/cores/0/state", Value::from("running")),
        ("/cores/0/epoch", 1.into()),
        ("/cores/0/services/0/name", "timer".into()),
        ("/cores/0/services/0/free", 7.into()),
        ("/cores/0/services/0/rx_type/name", "Request".into()),
        ("/cores/0/services/0/tx_type/name", "Reply".into()),
        ("/cores/0/tasks/0/name", "timer.tick".into()),
    ] {
        assert_eq!(found.pointer(path), Some(&expected), "{path} in {found:#}");
    }
    let releases = found.pointer("/cores/0/tasks/0/releases");
    assert!(
        releases
            .and_then(Value::as_u64)
            .is_some_and(|releases| releases > 0)
    );
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.starts_with(&format!("{socket}: running for ")),
        "{text}"
    );
    assert!(
        text.contains(
            "\n  timer          1 of 8          24, 32 bytes             Request, Reply\n"
        ),
        "{text}"
    );
    assert!(text.contains("\n  timer.tick "), "{text}");
    let services = String::from_utf8(services.stdout).unwrap();
    let request = MessageType::of::<offsched_services::timer::Request>();
    let expected = format!("\n    to the core    {request}, at most 24 bytes\n");
    assert!(services.contains(&expected), "{services}");
}

#[test]
fn without_the_module_every_command_says_how_to_load_it() {
    let place = Place::new();
    let commands: [&[&str]; 7] = [
        &["status"],
        &["stop"],
        &["stop", "--cpu", "1"],
        &["return", "--cpu", "1"],
        &["console"],
        &["crash"],
        &["crash", "--cpu", "1"],
    ];
    for command in commands {
        let words = [command, &["--device", NO_NODE]].concat();
        let why = complaint(&place.run(&words));
        assert!(
            why.starts_with(&format!("no {NO_NODE}: the kernel module is not loaded; ")),
            "{why}"
        );
        assert!(why.contains("sudo modprobe offsched"), "{why}");
    }
    let bind = complaint(&place.run(&["bind", "timer", "--device", NO_NODE, "--", "true"]));
    assert_eq!(
        bind,
        complaint(&place.run(&["status", "--device", NO_NODE]))
    );
}

#[test]
fn a_file_that_is_no_image_is_refused_before_the_device_is_asked() {
    let place = Place::new();
    let start = |file: &str| {
        complaint(&place.run(&["start", "--cpu", "1", "--device", NO_NODE, "--image", file]))
    };
    assert_eq!(
        start("/no/such/image.elf"),
        "cannot read /no/such/image.elf: No such file or directory (os error 2)"
    );
    let text = place.dir.join("text");
    std::fs::write(&text, "not an image").unwrap();
    let why = start(text.to_str().unwrap());
    assert!(
        why.contains("not an ELF file, or cut short")
            && why.ends_with("`cargo image` builds one from an app"),
        "{why}"
    );
    let why = start(env!("CARGO_BIN_EXE_offsched"));
    assert!(
        why.contains("not an image: it is not linked for a fixed address"),
        "{why}"
    );
}

#[test]
fn a_device_of_another_kind_is_told_from_ours() {
    let why = complaint(&Place::new().run(&["status", "--cpu", "0", "--device", "/dev/null"]));
    assert_eq!(why, "/dev/null is not offsched's device");
}

#[test]
fn bad_options_are_usage_errors() {
    let place = Place::new();
    let lines: [&[&str]; 7] = [
        &["bind", "timer"],
        &["bind", "timer", "--fd", "2", "--", "true"],
        &["start", "--image", "x"],
        &["start", "--cpu", "1", "--image", "x", "--allow", "timer"],
        &["start", "--cpu", "-1", "--image", "x"],
        &["stop", "--timeout", "3601"],
        &["status", "--cpu", "one"],
    ];
    for line in lines {
        let output = place.run(line);
        assert_eq!(output.status.code(), Some(2), "{line:?}: {output:?}");
    }
}
