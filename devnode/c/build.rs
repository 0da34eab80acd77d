//! Compiles the ring headers with every warning an error, in functions that Rust can call.

fn main() {
    let headers = "../kmod";
    println!("cargo::rerun-if-changed=src/halves.c");
    println!("cargo::rerun-if-changed={headers}");
    cc::Build::new()
        .file("src/halves.c")
        .include(headers)
        .std("c11")
        .extra_warnings(true)
        .warnings_into_errors(true)
        .flags([
            "-Wconversion",
            "-Wsign-conversion",
            "-Wshadow",
            "-Wpedantic",
        ])
        .compile("offsched_halves");
}
