//! Images of apps: for each a program of three lines, linked as the bare port
//! wants it. The app's crate is not touched.

use std::fs;
use std::path::{Path, PathBuf};

use crate::build::cargo;
use crate::run::output;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds an image of each app, given as `crate::module`, in one package that
/// has the project's own versions of everything. Returns names and files.
pub fn build(root: &Path, work: &Path, apps: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let package = work.join("images");
    let programs = package.join("src/bin");
    let wrong = |error| format!("{}: {error}", package.display());
    if programs.exists() {
        fs::remove_dir_all(&programs).map_err(wrong)?;
    }
    fs::create_dir_all(&programs).map_err(wrong)?;
    fs::write(package.join("Cargo.toml"), manifest(root)).map_err(wrong)?;
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).map_err(wrong)?;
    let mut names = Vec::new();
    for app in apps {
        let name = app.rsplit("::").next().unwrap_or(app).to_owned();
        let text = format!("#![no_std]\n#![no_main]\noffsched_bare::image!({app}::App);\n");
        fs::write(programs.join(format!("{name}.rs")), text).map_err(wrong)?;
        names.push(name);
    }
    let folder = work.join("images-target");
    output(
        cargo()
            .current_dir(&package)
            .env("CARGO_ENCODED_RUSTFLAGS", flags(root).join("\x1f"))
            .env("CARGO_TARGET_DIR", &folder)
            // With an explicit target the flags spare macros and build scripts.
            .args(["build", "--quiet", "--release", "--target", TARGET]),
    )?;
    let files = folder.join(TARGET).join("release");
    Ok(names
        .into_iter()
        .map(|name| (name.clone(), files.join(name)))
        .collect())
}

fn flags(root: &Path) -> Vec<String> {
    let script = root.join("hal-x86/bare/link.ld");
    let mut flags = vec![
        "-Crelocation-model=static".to_owned(),
        "-Ccode-model=small".to_owned(),
    ];
    for argument in ["-nostartfiles", "-nostdlib", "-static", "-no-pie"] {
        flags.push(format!("-Clink-arg={argument}"));
    }
    flags.push(format!("-Clink-arg=-T{}", script.display()));
    flags
}

fn manifest(root: &Path) -> String {
    let path = |folder: &str| format!("{{ path = {:?} }}", root.join(folder).display().to_string());
    format!(
        "[package]\nname = \"offsched-images\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n\
         [dependencies]\noffsched-apps = {}\noffsched-bare = {}\noffsched-drills = {}\n\n\
         [profile.release]\npanic = \"abort\"\ndebug = \"line-tables-only\"\n",
        path("hil-tests/apps"),
        path("hal-x86/bare"),
        path("hil-tests/drills"),
    )
}
