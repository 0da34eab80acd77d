//! `cargo image`: the bare image of an app, as an ELF file.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser};
use offsched_image::{AppPath, Built, Features, Order, Project, build};

/// Cargo calls `cargo-image image ...`.
#[derive(Parser)]
#[command(bin_name = "cargo", version)]
enum Cargo {
    Image(Options),
}

/// Build the bare image of an app: the ELF file that `offsched start` takes
///
/// In the folder of the app's package, `cargo image` is all: it builds the type `App` at the root of the
/// package's library, and prints where the file is. The package needs nothing for it: no linker script, no
/// target, no main. It is a library under `#![no_std]` that depends on `offsched`:
///
///     #![no_std]
///     pub use app::App;
///
///     #[offsched::app]
///     pub mod app { .. }
///
/// Other apps, and those of other packages in the workspace, are named with `--app`. Images are always optimised
/// and keep their line tables, by which `offsched crash` finds files and lines.
#[derive(Args)]
#[command(version, max_term_width = 100, verbatim_doc_comment)]
#[command(after_help = "Exit codes: 0 built, 1 not built (the last line says why), 2 usage.")]
struct Options {
    /// The app's type, by its path from the crate's name on; several times for several images
    #[arg(long, value_name = "CRATE::PATH::APP")]
    app: Vec<AppPath>,

    /// Where the image goes: a file, or for several apps a folder [default: target/image/NAME.elf]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Features of the app's crate, separated by commas or spaces
    #[arg(short = 'F', long, value_delimiter = ',', value_name = "FEATURES")]
    features: Vec<String>,

    /// Leave out the crate's default features
    #[arg(long)]
    no_default_features: bool,

    /// The I/O port of a 16550 UART that Linux does not use, for the core's emergency console, as in 0x3e8
    #[arg(long, value_name = "PORT", value_parser = port)]
    uart: Option<u16>,

    /// The manifest of the app's package or workspace [default: that of the current folder]
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Cargo::Image(options) = Cargo::parse();
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("cargo image: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), String> {
    let project = Project::open(options.manifest_path.as_deref())?;
    let apps = if options.app.is_empty() {
        vec![project.default_app()?]
    } else {
        options.app
    };
    let folder = project.target_folder().join("image");
    let features = options
        .features
        .iter()
        .flat_map(|list| list.split_whitespace());
    let uarts: Vec<_> = options
        .uart
        .iter()
        .flat_map(|port| apps.iter().map(|app| (app.name(), *port)))
        .collect();
    let images = build(&Order {
        project: &project,
        apps: &apps,
        uarts: &uarts,
        features: Features {
            on: features.map(str::to_owned).collect(),
            no_default: options.no_default_features,
        },
        folder: &folder,
    })?;
    for image in &images {
        let place = match &options.output {
            Some(file) if images.len() == 1 && !file.is_dir() => file.clone(),
            Some(folder) => folder.join(format!("{}.elf", image.name)),
            None => folder.join(format!("{}.elf", image.name)),
        };
        put(image, &place)?;
        println!("{}: {}", place.display(), image.facts);
    }
    Ok(())
}

fn port(text: &str) -> Result<u16, String> {
    let port = match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let port = port.ok().filter(|port| *port != 0);
    port.ok_or_else(|| "give the first of the UART's I/O ports, as in 0x3e8".to_owned())
}

fn put(image: &Built, place: &Path) -> Result<(), String> {
    let folder = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::copy(&image.file, place))
        .map_err(|error| format!("cannot write {}: {error}", place.display()))?;
    Ok(())
}
