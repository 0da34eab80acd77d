//! `cargo xtask dist`: all that is installed, in one folder, laid out as it is
//! installed. `devnode/dist/README.md` says what to do with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::runner::{Step, root, target_dir};

/// Files of `devnode/dist` and where they go.
const FILES: [(&str, &str); 4] = [
    (
        "60-offsched.rules",
        "usr/lib/udev/rules.d/60-offsched.rules",
    ),
    ("offsched.sysusers", "usr/lib/sysusers.d/offsched.conf"),
    (
        "offsched@.service",
        "usr/lib/systemd/system/offsched@.service",
    ),
    ("tuned.conf", "usr/lib/tuned/offsched/tuned.conf"),
];
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes the folder anew.
pub fn run() -> ExitCode {
    let folder = target_dir("dist");
    match make(&folder) {
        Ok(()) => {
            println!(
                "{}: see devnode/dist/README.md for what to do with it",
                folder.display()
            );
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn make(folder: &Path) -> Result<(), String> {
    let wrong = |error: io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(wrong)?;
    }
    let mut pages = Step::cargo(
        "pages",
        "run --quiet --package offsched-cli --example pages --",
    );
    pages.command.arg(folder);
    pages.run()?;
    Step::cargo("command", "build --quiet --release --package offsched-cli").run()?;
    put(
        &target_dir("release").join("offsched"),
        &folder.join("usr/bin/offsched"),
    )?;
    let dist = root().join("devnode/dist");
    for (from, to) in FILES {
        put(&dist.join(from), &folder.join(to))?;
    }
    let source = folder.join(format!("usr/src/offsched-{VERSION}"));
    for file in module_files()? {
        put(&file, &source.join(file.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// The module's source: what is in its folder, less what a build there has left.
fn module_files() -> Result<Vec<PathBuf>, String> {
    let folder = root().join("devnode/kmod");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let source = |path: &PathBuf| {
        let known = ["c", "h", "S", "conf"];
        match path.extension() {
            Some(end) => {
                known.iter().any(|one| end == *one) && !path.to_string_lossy().ends_with(".mod.c")
            }
            None => path.is_file(),
        }
    };
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .filter(source)
        .collect())
}

fn put(from: &Path, to: &Path) -> Result<(), String> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder)
        .and_then(|()| fs::copy(from, to))
        .map_err(|error| format!("{} -> {}: {error}", from.display(), to.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dkms_and_the_guide_have_this_version() {
        let conf = fs::read_to_string(root().join("devnode/kmod/dkms.conf")).unwrap();
        assert!(
            conf.contains(&format!("PACKAGE_VERSION=\"{VERSION}\"")),
            "{conf}"
        );
        let guide = fs::read_to_string(root().join("devnode/dist/README.md")).unwrap();
        assert!(guide.contains(&format!("dkms install offsched/{VERSION} ")));
    }

    #[test]
    fn the_modules_source_is_complete() {
        let files = module_files().unwrap();
        let has = |name: &str| files.iter().any(|file| file.ends_with(name));
        assert!(has("Kbuild") && has("Makefile") && has("dkms.conf") && has("LICENSE"));
        let kbuild = fs::read_to_string(root().join("devnode/kmod/Kbuild")).unwrap();
        let objects = kbuild
            .split_whitespace()
            .filter_map(|word| word.strip_suffix(".o"));
        for object in objects.filter(|name| *name != "offsched") {
            assert!(
                has(&format!("{object}.c")) || has(&format!("{object}.S")),
                "{object}"
            );
        }
    }
}
