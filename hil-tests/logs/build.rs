//! How a hosted program that logs is linked: see `offsched-log`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-tests=-no-pie");
    println!("cargo::rustc-link-arg-tests=-Toffsched-log.x");
    println!("cargo::rustc-link-arg-tests=-Wl,--build-id=sha1");
}
