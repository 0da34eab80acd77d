//! Puts the linker script of hosted programs that log where the linker looks.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rerun-if-changed=offsched-log.x");
    println!("cargo::rustc-link-search={folder}");
}
