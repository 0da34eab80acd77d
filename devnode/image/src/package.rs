//! The generated package: a program of three lines for each app.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use crate::app::AppPath;
use crate::build::Order;
use crate::project::{Features, Project};

/// Writes the package into a folder, anew.
pub(crate) fn write(order: &Order<'_>) -> Result<(), String> {
    let (folder, apps) = (order.folder, order.apps);
    let manifest = manifest(order.project, apps, &order.features)?;
    let wrong = |error: io::Error| format!("{}: {error}", folder.display());
    let programs = folder.join("src/bin");
    if programs.exists() {
        fs::remove_dir_all(&programs).map_err(wrong)?;
    }
    fs::create_dir_all(&programs).map_err(wrong)?;
    fs::write(folder.join("Cargo.toml"), manifest).map_err(wrong)?;
    let lock = order.project.lock_file();
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
        let uart = order.uarts.iter().find(|(name, _)| *name == app.name());
        fs::write(file, program(app, uart.map(|(_, port)| *port))).map_err(wrong)?;
    }
    Ok(())
}

fn program(app: &AppPath, uart: Option<u16>) -> String {
    let uart = uart.map_or_else(String::new, |port| format!(", uart = {port:#x}"));
    format!("#![no_std]\n#![no_main]\noffsched_bare::image!({app}{uart});\n")
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
         [profile.release]\npanic = \"abort\"\ndebug = \"line-tables-only\"\nlto = \"fat\"\ncodegen-units = 1\n",
        dependencies.concat(),
    ))
}
