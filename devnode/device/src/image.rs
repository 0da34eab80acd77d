//! An image file: an ELF executable that the bare port made, checked before
//! any processor is touched.

use std::fmt;

use object::LittleEndian;
use object::elf::{
    EM_X86_64, ET_EXEC, FileHeader64, PF_R, PF_W, PF_X, PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_TLS,
    ProgramHeader64,
};
use object::read::elf::{FileHeader, ProgramHeader};
use offsched_abi::PAGE_BYTES;
use offsched_abi::image::{
    CONSOLE_BYTES, IMAGE_BASE, IMAGE_END, ImageInfo, LOG_BYTES, NOTE_NAME, NOTE_TYPE, SHARED_MAX,
};
use offsched_abi::region::RegionError;
use zerocopy::FromBytes;

/// Most segments that the module takes.
const SEGMENTS_MAX: usize = 16;
const PAGE: u64 = PAGE_BYTES as u64;

/// What the core may do with a segment. Never write and execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Constants.
    Read,
    /// Data and stacks.
    Write,
    /// Code.
    Execute,
}

/// Whole pages of an image, the file's bytes first, the rest zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Address on the core.
    pub address: u64,
    /// Bytes on the core, whole pages.
    pub bytes: u64,
    /// What the file has of it.
    pub data: &'a [u8],
    /// What the core may do with it.
    pub access: Access,
}

/// A checked image.
#[derive(Clone, Debug)]
pub struct ImageFile<'a> {
    /// Where it starts.
    pub entry: u64,
    /// Bytes of shared memory that it needs, whole pages.
    pub shared_bytes: u64,
    /// Bytes of it that applications may see, from the start; whole pages.
    pub public_bytes: u64,
    /// What it is made of, in rising order, without overlaps.
    pub segments: Vec<Segment<'a>>,
}

/// Why a file is no image that could run here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// Not an ELF file, or cut short: what cannot be read.
    Unreadable(&'static str),
    /// An ELF file of another kind: what it is not.
    Kind(&'static str),
    /// An ELF file without an image's note.
    NoNote,
    /// Built from another version or layout of the ABI.
    Abi(RegionError),
    /// Asks for no shared memory, or for too much: bytes, and how many of them are public.
    SharedBytes(u64, u64),
    /// A segment at this address breaks a rule: which one.
    Segment(u64, &'static str),
    /// The entry is not in code.
    Entry(u64),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(what) => write!(
                f,
                "not an ELF file, or cut short: its {what} cannot be read"
            ),
            Self::Kind(what) => write!(f, "not an image: it is not {what}"),
            Self::NoNote => write!(
                f,
                "not an image: it has no offsched note, which the bare port puts into every image"
            ),
            Self::Abi(error) => write!(f, "an image of another version: {error}"),
            Self::SharedBytes(shared, public) => write!(
                f,
                "it asks for {shared} bytes of shared memory, {public} of them public: both are \
                 whole pages, up to {SHARED_MAX}, with room for a region and the console"
            ),
            Self::Segment(address, rule) => write!(f, "its segment at {address:#x} {rule}"),
            Self::Entry(address) => write!(f, "its entry {address:#x} is not in its code"),
        }
    }
}

impl std::error::Error for ImageError {}

impl<'a> ImageFile<'a> {
    /// Reads and checks an image.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn parse(file: &'a [u8]) -> Result<Self, ImageError> {
        let unreadable = |what| move |_| ImageError::Unreadable(what);
        let header = FileHeader64::<LittleEndian>::parse(file).map_err(unreadable("header"))?;
        let endian = header.endian().map_err(unreadable("header"))?;
        if header.e_machine(endian) != EM_X86_64 {
            return Err(ImageError::Kind("for x86-64"));
        }
        if header.e_type(endian) != ET_EXEC {
            return Err(ImageError::Kind("linked for a fixed address"));
        }
        let headers = header
            .program_headers(endian, file)
            .map_err(unreadable("program headers"))?;
        let info = info(headers, endian, file)?;
        info.check().map_err(ImageError::Abi)?;
        let (shared_bytes, public_bytes) = (info.shared_bytes(), info.public_bytes());
        if !shared_bytes.is_multiple_of(PAGE)
            || !public_bytes.is_multiple_of(PAGE)
            || !((CONSOLE_BYTES + LOG_BYTES) as u64 + PAGE..=SHARED_MAX).contains(&public_bytes)
            || !(public_bytes..=SHARED_MAX).contains(&shared_bytes)
        {
            return Err(ImageError::SharedBytes(shared_bytes, public_bytes));
        }
        let segments = segments(headers, endian, file)?;
        let entry = header.e_entry(endian);
        let in_code = segments.iter().any(|segment| {
            segment.access == Access::Execute
                && (segment.address..segment.address + segment.data.len() as u64).contains(&entry)
        });
        if !in_code {
            return Err(ImageError::Entry(entry));
        }
        Ok(Self {
            entry,
            shared_bytes,
            public_bytes,
            segments,
        })
    }
}

type Header = ProgramHeader64<LittleEndian>;

fn info(headers: &[Header], endian: LittleEndian, file: &[u8]) -> Result<ImageInfo, ImageError> {
    for header in headers {
        let Some(mut notes) = header
            .notes(endian, file)
            .map_err(|_| ImageError::Unreadable("notes"))?
        else {
            continue;
        };
        while let Some(note) = notes.next().map_err(|_| ImageError::Unreadable("notes"))? {
            let name = note.name_bytes();
            if NOTE_NAME.starts_with(name) && !name.is_empty() && note.n_type(endian).0 == NOTE_TYPE
            {
                return ImageInfo::read_from_bytes(note.desc()).map_err(|_| ImageError::NoNote);
            }
        }
    }
    Err(ImageError::NoNote)
}

fn segments<'a>(
    headers: &[Header],
    endian: LittleEndian,
    file: &'a [u8],
) -> Result<Vec<Segment<'a>>, ImageError> {
    let mut segments: Vec<Segment<'a>> = Vec::new();
    for header in headers {
        match header.p_type(endian) {
            PT_LOAD if header.p_memsz(endian) > 0 => segments.push(segment(header, endian, file)?),
            PT_INTERP | PT_DYNAMIC | PT_TLS => {
                return Err(ImageError::Kind("static and free of thread-local data"));
            }
            _ => {}
        }
    }
    segments.sort_by_key(|segment| segment.address);
    if let Some(pair) = segments
        .windows(2)
        .find(|pair| pair[0].address + pair[0].bytes > pair[1].address)
    {
        return Err(ImageError::Segment(
            pair[1].address,
            "overlaps another one, or shares a page with it",
        ));
    }
    match segments.get(SEGMENTS_MAX) {
        Some(beyond) => Err(ImageError::Segment(beyond.address, "is one too many")),
        None => Ok(segments),
    }
}

fn segment<'a>(
    header: &Header,
    endian: LittleEndian,
    file: &'a [u8],
) -> Result<Segment<'a>, ImageError> {
    let address = header.p_vaddr(endian);
    let wrong = |rule| ImageError::Segment(address, rule);
    let data = header
        .data(endian, file)
        .map_err(|()| wrong("lies outside the file"))?;
    if !address.is_multiple_of(PAGE) {
        return Err(wrong("does not begin a page"));
    }
    let bytes = header.p_memsz(endian).checked_next_multiple_of(PAGE);
    let end = bytes.and_then(|bytes| address.checked_add(bytes));
    let (Some(bytes), Some(end)) = (bytes, end) else {
        return Err(wrong("is larger than memory"));
    };
    if address < IMAGE_BASE || end > IMAGE_END {
        return Err(wrong("lies outside the image's window"));
    }
    if data.len() as u64 > header.p_memsz(endian) {
        return Err(wrong("has more bytes in the file than in memory"));
    }
    let access = match header.p_flags(endian) & (PF_R | PF_W | PF_X) {
        PF_R => Access::Read,
        flags if flags == PF_R | PF_W => Access::Write,
        flags if flags == PF_R | PF_X => Access::Execute,
        _ => return Err(wrong("is not readable, or both writable and executable")),
    };
    Ok(Segment {
        address,
        bytes,
        data,
        access,
    })
}

#[cfg(test)]
mod tests;
