//! Cargo's run over the generated package, and a look at what came out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use offsched_device::ImageFile;

use crate::app::AppPath;
use crate::package;
use crate::project::{Features, Project};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What to build.
pub struct Order<'a> {
    /// The workspace that the apps are in.
    pub project: &'a Project,
    /// The apps.
    pub apps: &'a [AppPath],
    /// Features of their crates.
    pub features: Features,
    /// I/O ports of UARTs, for the images of those names: their emergency consoles.
    pub uarts: &'a [(&'a str, u16)],
    /// A folder for the generated package and its build results.
    pub folder: &'a Path,
}

/// An image.
#[derive(Clone, Debug)]
pub struct Built {
    /// As [`AppPath::name`] has it.
    pub name: String,
    /// The ELF file, with line tables.
    pub file: PathBuf,
    /// What it takes on the core, in a line.
    pub facts: String,
}

/// Builds images, in the order of the apps.
///
/// # Errors
/// What is missing or wrong, in a sentence. The compiler's own messages go to the standard error before it.
pub fn build(order: &Order<'_>) -> Result<Vec<Built>, String> {
    package::write(order)?;
    let manifest = order.folder.join("Cargo.toml");
    let script = Project::open(Some(&manifest))?.link_script()?;
    let target = order.folder.join("target");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(order.folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&script).join("\x1f"))
        .env("CARGO_TARGET_DIR", &target)
        // With an explicit target the flags spare macros and build scripts.
        .args(["build", "--quiet", "--release", "--target", TARGET])
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err(unbuilt(order.apps));
    }
    let files = target.join(TARGET).join("release");
    let look = |app: &AppPath| look(app.name(), files.join(app.name()));
    order.apps.iter().map(look).collect()
}

fn unbuilt(apps: &[AppPath]) -> String {
    let names: Vec<_> = apps.iter().map(ToString::to_string).collect();
    format!(
        "not built, see above: {}. An image needs an app that is public under this path, \
         in a crate that is #![no_std] with all that it depends on",
        names.join(", ")
    )
}

fn flags(script: &Path) -> Vec<String> {
    let mut flags = vec![
        "-Crelocation-model=static".to_owned(),
        "-Ccode-model=small".to_owned(),
        // For backtraces: the standard library has them.
        "-Cforce-frame-pointers=yes".to_owned(),
    ];
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        // By which a crash record or a log is known to be this very file's.
        "-Wl,--build-id=sha1",
    ] {
        flags.push(format!("-Clink-arg={argument}"));
    }
    flags.push(format!("-Clink-arg=-T{}", script.display()));
    flags
}

/// Checks an image as whoever loads it will.
fn look(name: &str, file: PathBuf) -> Result<Built, String> {
    let wrong = |why: String| format!("{}: {why}", file.display());
    let bytes = fs::read(&file).map_err(|error| wrong(error.to_string()))?;
    let image = ImageFile::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    let memory: u64 = image.segments.iter().map(|segment| segment.bytes).sum();
    let facts = format!(
        "{} KiB in {} segments, {} KiB of shared memory",
        memory / 1024,
        image.segments.len(),
        image.shared_bytes / 1024
    );
    Ok(Built {
        name: name.to_owned(),
        file,
        facts,
    })
}
