//! Whether an ELF file is what a core ran.

use object::Object;
use offsched_abi::header::{BuildId, Header};

use crate::symbols::ImageError;

/// What the build ids of a core and of an ELF file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The core ran this file, or what `strip` left of it.
    Same,
    /// The core ran another one.
    Other {
        /// What the core ran.
        core: BuildId,
        /// What the file is, if it says.
        file: Option<BuildId>,
    },
    /// The core ran something linked without a build id: nobody can tell.
    Unknown,
}

/// Compares what a core ran with an ELF file.
///
/// # Errors
/// [`ImageError`] if the file cannot be read.
pub fn compare_build(header: &Header, elf: &[u8]) -> Result<Match, ImageError> {
    let unreadable = |error: object::Error| ImageError::Unreadable(error.to_string());
    let file = object::File::parse(elf).map_err(unreadable)?;
    let file = file.build_id().map_err(unreadable)?;
    let file = file.and_then(BuildId::new);
    Ok(match header.build.read() {
        None => Match::Unknown,
        Some(core) if file == Some(core) => Match::Same,
        Some(core) => Match::Other { core, file },
    })
}
