//! `cargo image` as a user runs it: on a package of his own, outside this workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use offsched_device::ImageFile;

const APP: &str = "#![no_std]
pub use app::App;
#[offsched::app]
pub mod app {
    #[init]
    fn init(_: init::Context) {}
    #[task(priority = 1, period = 1ms, budget = 5us)]
    fn blink(_: blink::Context) {}
}
";

/// The project's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A package with a file of source, and the project's own versions so that nothing is fetched.
fn package(name: &str, dependency: &str, file: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[workspace]\n[package]\nname = \"{name}\"\nedition = \"2024\"\n[dependencies]\n{dependency}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src").join(file), text).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

fn executive() -> String {
    let path = root().join("executive").canonicalize().unwrap();
    format!("offsched = {{ path = {:?} }}", path.display().to_string())
}

fn cargo_image(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-image"))
        .arg("image")
        .args(arguments)
        .current_dir(folder)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap()
}

/// The last line, which says why there is no image.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("cargo image: ")
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

#[test]
fn a_package_of_a_few_lines_becomes_an_image() {
    let folder = package("my-blink", &executive(), "lib.rs", APP);
    let output = cargo_image(&folder, &[]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let file = text.split(": ").next().unwrap();
    assert!(file.ends_with("/my_blink.elf"), "{text}");
    let bytes = fs::read(file).unwrap();
    assert!(ImageFile::parse(&bytes).is_ok());
}

#[test]
fn an_app_that_is_not_public_is_named_in_the_last_line() {
    let hidden = APP.replace("pub use", "use").replace("pub mod", "mod");
    let folder = package("my-hidden", &executive(), "lib.rs", &hidden);
    assert!(
        complaint(&cargo_image(&folder, &[])).starts_with("not built, see above: my_hidden::App.")
    );
}

#[test]
fn what_is_missing_is_said_before_anything_is_built() {
    let program = package("my-program", &executive(), "main.rs", "fn main() {}");
    assert!(
        complaint(&cargo_image(&program, &[])).starts_with("package `my-program` has no library")
    );
    let other = package("my-other", "", "lib.rs", "");
    assert!(complaint(&cargo_image(&other, &[])).contains("nothing here depends on `offsched`"));
    assert_eq!(
        complaint(&cargo_image(&other, &["--app", "blink::App"])),
        "no library `blink` in this workspace; it has: my_other"
    );
    let root = complaint(&cargo_image(&root(), &[]));
    assert!(root.contains("--app"), "{root}");
    let usage = cargo_image(&other, &["--app", "App"]);
    assert_eq!(usage.status.code(), Some(2));
}
