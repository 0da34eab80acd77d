//! The header is the one that `executive/abi` makes, whole, and valid C.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that a C compiler can complain about.
const FLAGS: &[&str] = &[
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Werror",
    "-fsyntax-only",
];

fn header() -> String {
    std::fs::read_to_string(offsched_header::path()).unwrap()
}

/// What C has against a header of that text; nothing, if it is good.
fn complaints(name: &str, text: &str) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    let output = Command::new("cc")
        .args(FLAGS)
        .args(["-x", "c"])
        .arg(&file)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), complaints.is_empty());
    complaints
}

#[test]
fn the_header_is_not_stale() {
    let fresh = offsched_header::text().unwrap();
    assert!(
        header() == fresh,
        "{} is stale: run `{}`",
        offsched_header::path().display(),
        offsched_header::COMMAND
    );
}

#[test]
fn c_lays_everything_out_as_rust_does() {
    let text = header();
    assert_eq!(complaints("header.c", &text), "");
    // And would notice if it did not.
    let moved = text.replacen("\t__u32 core_epoch;\n", "\t__u64 core_epoch;\n", 1);
    assert!(complaints("moved.c", &moved).contains("not as in executive/abi"));
    let swapped = text.replacen("__u32 rx_size", "__u32 swap", 1);
    let swapped = swapped.replacen("__u32 tx_size", "__u32 rx_size", 1);
    let swapped = swapped.replacen("__u32 swap", "__u32 tx_size", 1);
    assert!(complaints("swapped.c", &swapped).contains("not as in executive/abi"));
}

#[test]
fn every_structure_is_asserted() {
    let text = header();
    for line in text.lines().filter(|line| line.starts_with("struct ")) {
        let name = line.trim_end_matches(" {").rsplit(' ').next().unwrap();
        // Parts of the telemetry, whose sizes show in the offsets around them.
        let part = ["offsched_histogram_", "offsched_sequenced_"];
        if !part.iter().any(|part| name.starts_with(part)) {
            assert!(
                text.contains(&format!("_Static_assert(sizeof(struct {name}) ==")),
                "{name}"
            );
        }
    }
}

/// The Rust files under a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn every_public_number_is_there() {
    let text = header();
    let abi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../executive/abi/src");
    let mut found = 0;
    for path in sources(&abi) {
        let source = std::fs::read_to_string(&path).unwrap();
        for line in source.lines() {
            let Some((name, kind)) = line
                .strip_prefix("pub const ")
                .and_then(|rest| rest.split_once(": "))
            else {
                continue;
            };
            if ["u8 ", "u16 ", "u32 ", "u64 ", "usize "]
                .iter()
                .any(|word| kind.starts_with(word))
            {
                found += 1;
                let define = format!("#define OFFSCHED_{name} ");
                assert!(
                    text.contains(&define),
                    "{name} of {} is computed: add it to devnode/header/src/layout.rs",
                    path.display()
                );
            }
        }
    }
    assert!(
        found > 20,
        "only {found} constants were found in {}",
        abi.display()
    );
}
