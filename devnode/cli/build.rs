//! How the tests are linked, since one of them has an app that logs: see `offsched-log`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-tests=-no-pie");
    println!("cargo::rustc-link-arg-tests=-Toffsched-log.x");
    println!("cargo::rustc-link-arg-tests=-Wl,--build-id=sha1");
}
