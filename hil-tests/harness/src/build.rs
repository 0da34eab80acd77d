//! What is built here: the module, the images, the program in the guest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use offsched_image::{AppPath, Features, Order, Project};

use crate::parts::Kernel;
use crate::run::output;
use crate::uart;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Modules that are clients inside the kernel: built beside the module, and cases.
pub const CLIENT_MODULES: [&str; 2] = ["offsched_example.ko", "offsched_bursts.ko"];

/// What goes into the guest besides the module.
pub struct Cases {
    pub program: PathBuf,
    /// ELF files, by name.
    pub images: Vec<(String, PathBuf)>,
    /// What the example apps print.
    pub expected: PathBuf,
    /// Clients that know a device's path only, by name.
    pub clients: Vec<(String, PathBuf)>,
    /// The client in Python and what it reads, by their places beside each other.
    pub scripts: [(&'static str, PathBuf); 2],
    /// Debian's Python, unpacked, if it is to be there.
    pub python: Option<PathBuf>,
}

/// Where cargo builds.
pub fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// This very cargo.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Images and program.
pub fn cases(root: &Path, work: &Path) -> Result<Cases, String> {
    println!("building images");
    let expected = root.join("hil-tests/apps/expected");
    let entries =
        fs::read_dir(&expected).map_err(|error| format!("{}: {error}", expected.display()))?;
    let mut apps: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
        .map(|name| format!("offsched_apps::{name}::App"))
        .collect();
    apps.extend(
        offsched_drills::NAMES
            .iter()
            .map(|name| format!("offsched_drills::{name}::App")),
    );
    apps.extend(
        offsched_logs::NAMES
            .iter()
            .map(|name| format!("offsched_logs::{name}::App")),
    );
    // A newcomer's: it runs until it is stopped, so there is no telling what it prints.
    apps.push("offsched_apps::sample::App".to_owned());
    apps.extend(["App", "answers::App"].map(|name| format!("offsched_timing::{name}")));
    apps.sort();
    Ok(Cases {
        program: program(root, work)?,
        images: images(root, work, &apps)?,
        expected,
        clients: clients(root, work)?,
        scripts: ["python/timer.py", "kmod/offsched_abi.h"]
            .map(|name| (name, root.join("devnode").join(name))),
        python: None,
    })
}

/// Names and files of apps' images.
pub fn images(root: &Path, work: &Path, apps: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let apps: Vec<AppPath> = apps
        .iter()
        .map(|app| app.parse())
        .collect::<Result<_, _>>()?;
    let images = offsched_image::build(&Order {
        project: &Project::open(Some(&root.join("Cargo.toml")))?,
        apps: &apps,
        uarts: &[(uart::IMAGE, uart::PORT)],
        features: Features::default(),
        folder: &work.join("images"),
    })?;
    Ok(images
        .into_iter()
        .map(|image| (image.name, image.file))
        .collect())
}

/// The command, the drills' applications and the programs in C: all static.
fn clients(root: &Path, work: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    println!("building clients");
    let mut all = Vec::new();
    for (package, name) in [
        ("offsched-cli", "offsched"),
        ("offsched-clients", "offsched-clients"),
    ] {
        all.push((name.to_owned(), static_program(root, work, package, name)?));
    }
    let folder = work.join("c");
    let mut make = Command::new("make");
    make.arg("-C").arg(root.join("devnode/c"));
    make.args(["--silent", "STATIC=1", "test-programs"]);
    output(make.arg(format!("OUT={}", folder.display())))?;
    all.extend(["timer", "exercise"].map(|name| (name.to_owned(), folder.join(name))));
    Ok(all)
}

/// The names of the cases that the program runs with these options: it runs here as well as in a guest.
pub fn names(root: &Path, program: &Path, options: &[String]) -> Result<Vec<String>, String> {
    let text = output(
        Command::new(program)
            .arg(root.join("hil-tests/apps"))
            .arg("--list")
            .args(options),
    )?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The program inside the guest.
pub fn program(root: &Path, work: &Path) -> Result<PathBuf, String> {
    static_program(root, work, "offsched-guest", "offsched-guest")
}

/// Static, so that a guest needs no libraries.
pub fn static_program(
    root: &Path,
    work: &Path,
    package: &str,
    name: &str,
) -> Result<PathBuf, String> {
    let folder = work.join("guest");
    output(
        cargo()
            .current_dir(root)
            .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static")
            .env("CARGO_TARGET_DIR", &folder)
            .args(["build", "--quiet", "--release", "--target", TARGET])
            .args(["--package", package]),
    )?;
    Ok(folder.join(TARGET).join("release").join(name))
}

/// The module for a kernel. A warning is an error; so is what sparse finds, if it is to look.
pub fn module(
    root: &Path,
    work: &Path,
    kernel: &Kernel,
    sparse: Option<&Path>,
) -> Result<PathBuf, String> {
    println!("building the module for {}", kernel.release);
    let source = root.join("devnode/kmod");
    let folder = work.join(format!("kmod-{}", kernel.release));
    let wrong = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(wrong)?;
    for entry in fs::read_dir(&source).map_err(wrong)?.flatten() {
        copy_if_changed(&entry.path(), &folder.join(entry.file_name())).map_err(wrong)?;
    }
    let headers = format!("KDIR={}", kernel.headers.display());
    let mut make = Command::new("make");
    make.current_dir(&folder)
        .args(["--silent", "W=1", "OFFSCHED_EXAMPLES=m", &headers]);
    if let Some(sparse) = sparse {
        // Every file, rebuilt or not.
        make.args(["C=2", "CF=-Wsparse-error"]);
        make.arg(format!("CHECK={}", sparse.display()));
    }
    output(&mut make)?;
    Ok(folder.join("offsched.ko"))
}

/// Leaves the date alone where nothing has changed: make goes by it.
fn copy_if_changed(from: &Path, to: &Path) -> std::io::Result<()> {
    let bytes = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        Ok(())
    } else {
        fs::write(to, bytes)
    }
}
