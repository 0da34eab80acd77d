//! The generated package: a program of three lines for each app.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::app::AppPath;
use crate::project::{Features, Project};

/// Writes the package into a folder, anew.
pub(crate) fn write(
    folder: &Path,
    project: &Project,
    apps: &[AppPath],
    features: &Features,
) -> Result<(), String> {
    let manifest = manifest(project, apps, features)?;
    let wrong = |error: io::Error| format!("{}: {error}", folder.display());
    let programs = folder.join("src/bin");
    if programs.exists() {
        fs::remove_dir_all(&programs).map_err(wrong)?;
    }
    fs::create_dir_all(&programs).map_err(wrong)?;
    fs::write(folder.join("Cargo.toml"), manifest).map_err(wrong)?;
    let lock = project.lock_file();
    fs::copy(&lock, folder.join("Cargo.lock"))
        .map_err(|error| format!("{}: {error}", lock.display()))?;
    for app in apps {
        let file = programs.join(format!("{}.rs", app.name()));
        if file.exists() {
            return Err(format!(
                "two of these apps would make an image called `{}`",
                app.name()
            ));
        }
        fs::write(file, program(app)).map_err(wrong)?;
    }
    Ok(())
}

fn program(app: &AppPath) -> String {
    format!("#![no_std]\n#![no_main]\noffsched_bare::image!({app});\n")
}

fn manifest(project: &Project, apps: &[AppPath], features: &Features) -> Result<String, String> {
    let mut dependencies = BTreeMap::new();
    for app in apps {
        let (name, folder) = project.package_of(app.krate())?;
        let value = format!(
            "{{ path = {:?}, features = {:?}, default-features = {} }}",
            folder.display().to_string(),
            features.on,
            !features.no_default
        );
        dependencies.insert(name.to_owned(), value);
    }
    dependencies.insert("offsched-bare".to_owned(), project.bare()?);
    let dependencies: Vec<_> = dependencies
        .iter()
        .map(|(name, value)| format!("{name} = {value}\n"))
        .collect();
    Ok(format!(
        "[package]\nname = \"offsched-images\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\n{}\n\
         [profile.release]\npanic = \"abort\"\ndebug = \"line-tables-only\"\n",
        dependencies.concat(),
    ))
}
