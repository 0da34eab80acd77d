//! The workspace that an app's crate is in, as cargo sees it.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

use crate::app::AppPath;

/// The executive's package: what an app depends on.
const EXECUTIVE: &str = "offsched";
/// From the executive's folder to the bare port's.
const BARE_FROM_EXECUTIVE: &str = "../hal-x86/bare";

/// Features of the app's crate.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// Those to switch on.
    pub on: Vec<String>,
    /// Leave out the default ones.
    pub no_default: bool,
}

/// A workspace.
pub struct Project {
    metadata: Metadata,
}

impl Project {
    /// Asks cargo about the package or workspace with this manifest; `None`: the one of the current folder.
    ///
    /// # Errors
    /// Cargo's own, in words.
    pub fn open(manifest: Option<&Path>) -> Result<Self, String> {
        let mut command = MetadataCommand::new();
        if let Some(manifest) = manifest {
            command.manifest_path(manifest);
        }
        let metadata = command.exec().map_err(|error| match error {
            cargo_metadata::Error::CargoMetadata { stderr } => {
                stderr.trim().trim_start_matches("error: ").to_owned()
            }
            other => format!("cannot ask cargo about this package: {other}"),
        })?;
        Ok(Self { metadata })
    }

    /// The app that is meant where none is named: `App` of the only package's library.
    ///
    /// # Errors
    /// A workspace of several packages, or a package without a library.
    pub fn default_app(&self) -> Result<AppPath, String> {
        let package = match self.metadata.root_package() {
            Some(package) => package,
            None => return Err(
                "which app? Say --app my_crate::App here, or go to the folder of the app's package"
                    .into(),
            ),
        };
        let library = library(package).ok_or_else(|| {
            format!(
                "package `{}` has no library: an app that becomes an image is in src/lib.rs, under #![no_std]",
                package.name
            )
        })?;
        format!("{library}::App").parse()
    }

    /// Where this workspace is built.
    pub fn target_folder(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The versions that this workspace has settled on.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.metadata.workspace_root.join("Cargo.lock").into()
    }

    /// Name and folder of the package with that library.
    pub(crate) fn package_of(&self, krate: &str) -> Result<(&str, PathBuf), String> {
        let members = self.metadata.workspace_packages();
        let found = members
            .iter()
            .find(|package| library(package).as_deref() == Some(krate));
        let package = found.ok_or_else(|| {
            let known: Vec<_> = members
                .iter()
                .filter_map(|package| library(package))
                .collect();
            format!(
                "no library `{krate}` in this workspace; it has: {}",
                known.join(", ")
            )
        })?;
        Ok((&package.name, folder(package)))
    }

    /// The bare port's dependency, as a manifest has it: from where the apps' executive is.
    pub(crate) fn bare(&self) -> Result<String, String> {
        let mut found = self
            .metadata
            .packages
            .iter()
            .filter(|one| one.name.as_str() == EXECUTIVE);
        let executive = found.next().ok_or_else(|| {
            format!("nothing here depends on `{EXECUTIVE}`: an app is a module under #[offsched::app] (cargo add {EXECUTIVE})")
        })?;
        if let Some(other) = found.next() {
            return Err(format!(
                "this workspace has `{EXECUTIVE}` {} and {}: an image has one; see `cargo tree -i {EXECUTIVE}`",
                executive.version, other.version
            ));
        }
        match &executive.source {
            Some(source) => dependency_from(&source.repr, &executive.version.to_string()),
            None => {
                let bare = folder(executive).join(BARE_FROM_EXECUTIVE);
                let bare = bare.canonicalize().map_err(|error| {
                    format!(
                        "{}: {error}: the bare port belongs there, beside the executive",
                        bare.display()
                    )
                })?;
                Ok(format!("{{ path = {:?} }}", bare.display().to_string()))
            }
        }
    }

    /// The bare port's linker script, asked of the generated package.
    pub(crate) fn link_script(&self) -> Result<PathBuf, String> {
        let mut packages = self.metadata.packages.iter();
        let bare = packages.find(|package| package.name.as_str() == "offsched-bare");
        bare.map(|package| folder(package).join("link.ld"))
            .ok_or_else(|| "the bare port is not among the image's packages".to_owned())
    }
}

fn folder(package: &Package) -> PathBuf {
    let manifest = package.manifest_path.as_std_path();
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The name by which other crates know a package's library.
fn library(package: &Package) -> Option<String> {
    let is_library = |kind: &TargetKind| matches!(kind, TargetKind::Lib | TargetKind::RLib);
    let mut targets = package.targets.iter();
    let target = targets.find(|target| target.kind.iter().any(is_library))?;
    Some(target.name.replace('-', "_"))
}

/// A dependency on another package of the same source: cargo takes two spellings of one repository for two.
fn dependency_from(source: &str, version: &str) -> Result<String, String> {
    let Some(git) = source.strip_prefix("git+") else {
        return Ok(format!("\"={version}\""));
    };
    let address = git.split('#').next().unwrap_or(git);
    let (url, query) = address.split_once('?').unwrap_or((address, ""));
    match query.split_once('=') {
        None => Ok(format!("{{ git = {url:?} }}")),
        Some((key @ ("branch" | "tag" | "rev"), name)) => {
            Ok(format!("{{ git = {url:?}, {key} = {name:?} }}"))
        }
        Some(_) => Err(format!(
            "`{EXECUTIVE}` comes from {source}, which cargo image does not understand"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_port_comes_from_where_the_executive_does() {
        let from = |source| dependency_from(source, "0.1.0").unwrap();
        assert_eq!(from("registry+https://x/index"), r#""=0.1.0""#);
        assert_eq!(from("git+https://x/y#12ab"), r#"{ git = "https://x/y" }"#);
        assert_eq!(
            from("git+https://x/y?branch=main#12ab"),
            r#"{ git = "https://x/y", branch = "main" }"#
        );
        assert!(dependency_from("git+https://x/y?what=main#12ab", "0.1.0").is_err());
    }
}
