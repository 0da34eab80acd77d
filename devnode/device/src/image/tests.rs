use offsched_abi::image::{Layout, NOTE_NAME};
use zerocopy::IntoBytes;

use super::*;

const SHARED: u64 = 1 << 20;
const PUBLIC: u64 = 1 << 19;
const HEADER_BYTES: usize = 64;
const PROGRAM_BYTES: usize = 56;

/// A program header: type, flags, address, bytes in the file, bytes in memory.
type Part = (u32, u32, u64, u64, u64);

const CODE: Part = (1, 5, IMAGE_BASE, 32, 32);
const DATA: Part = (1, 6, IMAGE_BASE + 2 * PAGE, 16, 3 * PAGE + 1);

/// An ELF file with these parts and a note; all parts' bytes are the file's first.
fn elf(parts: &[Part], info: &ImageInfo) -> Vec<u8> {
    let mut note = Vec::new();
    for word in [
        NOTE_NAME.len() as u32,
        size_of::<ImageInfo>() as u32,
        NOTE_TYPE,
    ] {
        note.extend(word.to_le_bytes());
    }
    note.extend(NOTE_NAME);
    note.extend(info.as_bytes());
    let headers = HEADER_BYTES + PROGRAM_BYTES * (parts.len() + 1);
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [ET_EXEC.0, EM_X86_64.0] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1u32.to_le_bytes());
    for word in [IMAGE_BASE, HEADER_BYTES as u64, 0] {
        file.extend(word.to_le_bytes());
    }
    file.extend(0u32.to_le_bytes());
    let sizes = [
        HEADER_BYTES,
        PROGRAM_BYTES,
        parts.len() + 1,
        HEADER_BYTES,
        0,
        0,
    ];
    for half in sizes {
        file.extend((half as u16).to_le_bytes());
    }
    let note_part = (4, 4, 0, note.len() as u64, note.len() as u64);
    for (index, (kind, flags, address, in_file, in_memory)) in
        parts.iter().chain([&note_part]).enumerate()
    {
        let (offset, align) = if index == parts.len() {
            (headers as u64, 4)
        } else {
            (0, PAGE)
        };
        file.extend(kind.to_le_bytes());
        file.extend(flags.to_le_bytes());
        for word in [offset, *address, 0, *in_file, *in_memory, align] {
            file.extend(word.to_le_bytes());
        }
    }
    file.extend(note);
    file
}

fn info_of(shared_bytes: u64, public_bytes: u64) -> ImageInfo {
    ImageInfo::new(&Layout {
        console: 0,
        logs: 0,
        public_bytes,
        shared_bytes,
    })
}

fn good() -> Vec<u8> {
    elf(&[CODE, DATA], &info_of(SHARED, PUBLIC))
}

fn error_with(parts: &[Part]) -> ImageError {
    ImageFile::parse(&elf(parts, &info_of(SHARED, PUBLIC))).unwrap_err()
}

#[test]
fn an_image_becomes_segments_of_whole_pages() {
    let file = good();
    let image = ImageFile::parse(&file).unwrap();
    assert_eq!((image.entry, image.shared_bytes), (IMAGE_BASE, SHARED));
    assert_eq!(image.public_bytes, PUBLIC);
    let found: Vec<_> = image
        .segments
        .iter()
        .map(|segment| {
            (
                segment.address,
                segment.bytes,
                segment.data.len(),
                segment.access,
            )
        })
        .collect();
    let expected = [
        (IMAGE_BASE, PAGE, 32, Access::Execute),
        (IMAGE_BASE + 2 * PAGE, 4 * PAGE, 16, Access::Write),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_image_cut_anywhere_is_refused_or_whole() {
    let file = good();
    for end in 0..file.len() {
        assert!(ImageFile::parse(&file[..end]).is_err(), "{end} bytes");
    }
}

#[test]
fn any_single_byte_may_be_wrong() {
    let file = good();
    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut spoiled = file.clone();
            spoiled[at] = value;
            // Refused or not: what comes through keeps the rules, and nothing panics.
            if let Ok(image) = ImageFile::parse(&spoiled) {
                for segment in &image.segments {
                    assert!(
                        segment.address >= IMAGE_BASE
                            && segment.address + segment.bytes <= IMAGE_END
                    );
                    assert!(segment.data.len() as u64 <= segment.bytes);
                }
            }
        }
    }
}

#[test]
fn what_breaks_a_rule_is_named() {
    let (both, hidden) = (
        (1, 7, IMAGE_BASE, 32, 32),
        (1, 0, IMAGE_BASE + PAGE, 32, 32),
    );
    let below = (1, 6, IMAGE_BASE - PAGE, 16, 16);
    let beyond = (1, 6, IMAGE_END - PAGE, 16, PAGE + 1);
    let huge = (1, 6, IMAGE_BASE + PAGE, 16, u64::MAX);
    let askew = (1, 6, IMAGE_BASE + PAGE + 8, 16, 16);
    let same_page = (1, 6, IMAGE_BASE, 16, 16);
    let shrunk = (1, 6, IMAGE_BASE + PAGE, 16, 8);
    for part in [both, hidden, below, beyond, huge, askew, same_page, shrunk] {
        let error = error_with(&[CODE, part]);
        assert!(
            matches!(error, ImageError::Segment(..)),
            "{part:?}: {error}"
        );
    }
    assert_eq!(error_with(&[DATA]), ImageError::Entry(IMAGE_BASE));
    let dynamic = (2, 6, IMAGE_BASE + PAGE, 16, 16);
    assert!(matches!(error_with(&[CODE, dynamic]), ImageError::Kind(_)));
    let many: Vec<Part> = (0..17)
        .map(|page| (1, 5, IMAGE_BASE + page * PAGE, 32, 32))
        .collect();
    assert!(matches!(
        error_with(&many),
        ImageError::Segment(_, "is one too many")
    ));
}

#[test]
fn a_foreign_file_is_refused() {
    assert!(matches!(
        ImageFile::parse(b"#!/bin/sh\n"),
        Err(ImageError::Unreadable(_))
    ));
    let mut other = good();
    other[18] = 0x28;
    assert_eq!(
        ImageFile::parse(&other).unwrap_err(),
        ImageError::Kind("for x86-64")
    );
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(ImageFile::parse(&own).is_err());
}

#[test]
fn another_abi_and_another_size_are_refused() {
    let wrong = [
        (0, PUBLIC),
        (PUBLIC - PAGE, PUBLIC),
        (SHARED + 100, PUBLIC),
        (SHARED_MAX + PAGE, PUBLIC),
        (SHARED, 0),
        (SHARED, CONSOLE_BYTES as u64),
        (SHARED, PUBLIC + 100),
    ];
    for (shared, public) in wrong {
        let file = elf(&[CODE], &info_of(shared, public));
        assert_eq!(
            ImageFile::parse(&file).unwrap_err(),
            ImageError::SharedBytes(shared, public)
        );
    }
    let mut file = good();
    let hash = file.len() - size_of::<ImageInfo>() + 4;
    file[hash] ^= 1;
    assert!(matches!(
        ImageFile::parse(&file),
        Err(ImageError::Abi(RegionError::Layout { .. }))
    ));
}
