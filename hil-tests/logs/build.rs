//! How a hosted program that logs is linked: with a section for the texts, at
//! address 0, so that a text's address is its number; which a program that can
//! be loaded anywhere does not allow.

use std::path::Path;

const SCRIPT: &str = "tests/defmt.ld";

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let script = Path::new(&folder).join(SCRIPT);
    println!("cargo::rerun-if-changed={SCRIPT}");
    println!("cargo::rustc-link-arg-tests=-no-pie");
    println!("cargo::rustc-link-arg-tests=-T{}", script.display());
}
