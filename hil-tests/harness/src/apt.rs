//! Debian packages without root: apt with a state of its own, in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{output, passing};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Apt in a folder.
pub struct Apt {
    folder: PathBuf,
}

/// What counts as installed when packages are resolved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// Nothing: everything a package needs is listed.
    Nothing,
    /// What this machine has: only what is missing is listed.
    ThisMachine,
}

impl Apt {
    /// Sets apt up for these suites and reads their indices. The mirror is the machine's own.
    pub fn open(folder: &Path, suites: &[&str]) -> Result<Self, String> {
        let apt = Self {
            folder: folder.to_owned(),
        };
        for name in ["lists/partial", "archives/partial"] {
            create(&folder.join(name))?;
        }
        write(&folder.join("empty"), "")?;
        let mirror = mirror()?;
        let signed = if Path::new(KEYRING).exists() {
            format!("[signed-by={KEYRING}] ")
        } else {
            String::new()
        };
        let sources: String = suites
            .iter()
            .map(|suite| format!("deb {signed}{mirror} {suite} main\n"))
            .collect();
        write(&folder.join("sources.list"), &sources)?;
        output(apt.command().arg("update"))?;
        Ok(apt)
    }

    /// The packages that installing `names` from a suite takes, as `name=version`.
    pub fn resolve(
        &self,
        suite: &str,
        names: &[&str],
        installed: Installed,
    ) -> Result<Vec<String>, String> {
        let mut command = self.command();
        if installed == Installed::Nothing {
            command
                .arg("-o")
                .arg(option("Dir::State::status", &self.folder.join("empty")));
        }
        command
            .args([
                "--simulate",
                "--no-install-recommends",
                "-t",
                suite,
                "install",
            ])
            .args(names);
        Ok(output(&mut command)?.lines().filter_map(package).collect())
    }

    /// Downloads packages and unpacks them into a folder.
    pub fn unpack(&self, packages: &[String], into: &Path) -> Result<(), String> {
        let debs = into.join("debs");
        create(&debs)?;
        // Apt's own lines: what comes from where, how much, how far.
        passing(
            self.command()
                .current_dir(&debs)
                .arg("download")
                .args(packages),
        )?;
        let entries =
            fs::read_dir(&debs).map_err(|error| format!("{}: {error}", debs.display()))?;
        for entry in entries.flatten() {
            output(
                Command::new("dpkg-deb")
                    .arg("-x")
                    .arg(entry.path())
                    .arg(into),
            )?;
        }
        fs::remove_dir_all(&debs).map_err(|error| format!("{}: {error}", debs.display()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new("apt-get");
        let options = [
            option("Dir::Etc::sourcelist", &self.folder.join("sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
            option("Dir::State::Lists", &self.folder.join("lists")),
            option("Dir::Cache", &self.folder),
            "Debug::NoLocking=1".to_owned(),
            // Dropping root for the download would only lose access to the folder.
            "APT::Sandbox::User=".to_owned(),
        ];
        for option in options {
            command.arg("-o").arg(option);
        }
        command.env("LC_ALL", "C");
        command
    }
}

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

/// The machine's own source of its own release.
fn mirror() -> Result<String, String> {
    let os = fs::read_to_string("/etc/os-release")
        .map_err(|error| format!("/etc/os-release: {error}"))?;
    let codename = os
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .unwrap_or_default();
    let mut command = Command::new("apt-get");
    command.args([
        "indextargets",
        "--format",
        "$(RELEASE) $(SITE)",
        "Created-By: Packages",
    ]);
    output(&mut command)?
        .lines()
        .find_map(|line| {
            line.strip_prefix(codename)?
                .strip_prefix(' ')
                .map(str::to_owned)
        })
        .ok_or_else(|| format!("apt has no source for `{codename}`: this wants a Debian"))
}

/// `Inst NAME [old] (VERSION ...` of a simulation.
fn package(line: &str) -> Option<String> {
    let name = line.strip_prefix("Inst ")?.split(' ').next()?;
    let version = line.split_once('(')?.1.split(' ').next()?;
    Some(format!("{name}={version}"))
}

fn create(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn a_simulation_names_packages_and_versions() {
        let line = "Inst libfdt1 (1.6.1-4+b1 Debian:12.15/oldstable [amd64])";
        assert_eq!(package(line), Some("libfdt1=1.6.1-4+b1".to_owned()));
        let upgrade = "Inst seabios [1.16.2-1] (1.16.3-2~bpo12+1 Debian Backports:x [all]) []";
        assert_eq!(
            package(upgrade),
            Some("seabios=1.16.3-2~bpo12+1".to_owned())
        );
        assert_eq!(
            package("Conf libfdt1 (1.6.1-4+b1 Debian:12.15 [amd64])"),
            None
        );
    }
}
