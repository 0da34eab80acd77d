//! Addresses of an image, as functions, files and lines.

use std::fmt;

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// Functions inlined into each other at one address, at most.
const INLINED_MAX: usize = 32;

/// Why a file says nothing about addresses.
#[derive(Debug)]
pub enum ImageError {
    /// Not an ELF file, or damaged: what cannot be read.
    Unreadable(String),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Unreadable(why) = self;
        write!(f, "not an image that can be read: {why}")
    }
}

impl std::error::Error for ImageError {}

/// A place in the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The function; `None` if the image does not say.
    pub function: Option<String>,
    /// The file.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.as_deref().unwrap_or("?"))?;
        if let Some(file) = &self.file {
            write!(f, " at {file}")?;
        }
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

type Bytes<'elf> = EndianSlice<'elf, LittleEndian>;

/// A function of the symbol table.
struct Symbol {
    address: u64,
    bytes: u64,
    name: String,
}

/// What an image's ELF file says about its addresses.
pub struct Symbols<'elf> {
    lines: Context<Bytes<'elf>>,
    /// By rising address: for code without DWARF, as the stubs are.
    table: Vec<Symbol>,
}

impl<'elf> Symbols<'elf> {
    /// Reads an image's ELF file.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn parse(elf: &'elf [u8]) -> Result<Self, ImageError> {
        let unreadable = |error: &dyn fmt::Display| ImageError::Unreadable(error.to_string());
        let file = object::File::parse(elf).map_err(|error| unreadable(&error))?;
        let section = |id: SectionId| -> Result<Bytes<'elf>, ImageError> {
            let section = file.section_by_name(id.name());
            let data = section.and_then(|section| section.data().ok());
            Ok(Bytes::new(data.unwrap_or_default(), LittleEndian))
        };
        let lines = Context::from_dwarf(Dwarf::load(section)?);
        let mut table: Vec<Symbol> = file
            .symbols()
            .filter(|symbol| {
                symbol.is_definition()
                    && matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown)
            })
            .filter_map(|symbol| {
                Some(Symbol {
                    address: symbol.address(),
                    bytes: symbol.size(),
                    name: symbol.name().ok()?.to_owned(),
                })
            })
            .collect();
        table.sort_by_key(|symbol| symbol.address);
        Ok(Self {
            lines: lines.map_err(|error| unreadable(&error))?,
            table,
        })
    }

    /// What is at an address: functions that were inlined there first, the one that they are in
    /// last. Empty if the image does not say.
    pub fn places(&self, address: u64) -> Vec<Place> {
        let mut places = Vec::new();
        if let Ok(mut frames) = self.lines.find_frames(address).skip_all_loads() {
            while places.len() < INLINED_MAX
                && let Ok(Some(frame)) = frames.next()
            {
                let name = frame.function.as_ref();
                let location = frame.location.as_ref();
                places.push(Place {
                    function: name.and_then(|name| Some(demangled(&name.raw_name().ok()?))),
                    file: location.and_then(|found| found.file).map(str::to_owned),
                    line: location.and_then(|found| found.line),
                });
            }
        }
        // The symbol has the whole path, and stubs have nothing else. Inlined functions have no symbol.
        if let Some(symbol) = self.symbol(address) {
            let outermost = places.pop().unwrap_or_default();
            places.push(Place {
                function: Some(demangled(&symbol.name)),
                ..outermost
            });
        }
        places
    }

    /// The symbol that an address is in. Assembly has symbols without a size: those reach to the next.
    fn symbol(&self, address: u64) -> Option<&Symbol> {
        let after = self
            .table
            .partition_point(|symbol| symbol.address <= address);
        let symbol = self.table.get(after.checked_sub(1)?)?;
        let reaches = match symbol.bytes {
            0 => after < self.table.len(),
            bytes => address - symbol.address < bytes,
        };
        reaches.then_some(symbol)
    }
}

/// As in the source, without the compiler's hash.
fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_reaches_as_far_as_it_says_or_to_the_next() {
        let symbol = |address, bytes, name: &str| Symbol {
            address,
            bytes,
            name: name.to_owned(),
        };
        let symbols = Symbols {
            lines: Context::from_dwarf(Dwarf::default()).unwrap(),
            table: vec![
                symbol(0x10, 0, "stub"),
                symbol(0x20, 8, "function"),
                symbol(0x30, 8, "last"),
            ],
        };
        let name = |address| symbols.symbol(address).map(|found| found.name.as_str());
        let found = [0x0f, 0x10, 0x1f, 0x20, 0x27, 0x28, 0x30, 0x37, 0x38].map(name);
        let (stub, function, last) = (Some("stub"), Some("function"), Some("last"));
        assert_eq!(
            found,
            [None, stub, stub, function, function, None, last, last, None]
        );
        let open = Symbols {
            table: vec![symbol(0x10, 0, "end")],
            ..symbols
        };
        assert!(open.symbol(0x10).is_none());
    }
}
