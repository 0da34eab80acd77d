//! What the module must refuse, though no tool of ours would ask for it.

use std::io::ErrorKind;

use offsched_device::{Access, ImageFile, Segment};

use crate::Outcome;
use crate::case::Case;
use crate::rig::Rig;

const BASE: u64 = 0x4000_0000;
const PAGE: u64 = 4096;
/// HLT, again and again.
const CODE: [u8; 16] = [0xf4; 16];

/// Turns a good image into one that must be refused.
type Spoil = fn(&mut ImageFile<'_>);

const SPOILS: [(&str, Spoil); 8] = [
    ("an entry outside the code", |image| image.entry = BASE + 16),
    ("no segments", |image| image.segments.clear()),
    ("too many segments", |image| {
        image.segments = vec![image.segments[0].clone(); 17]
    }),
    ("segments that overlap", |image| {
        image.segments = vec![image.segments[0].clone(); 2]
    }),
    ("a segment below the window", |image| {
        image.segments[0].address = BASE - PAGE
    }),
    ("a segment that wraps around", |image| {
        image.segments[0].bytes = !(PAGE - 1)
    }),
    ("a segment at half a page", |image| {
        image.segments[0].address += 8
    }),
    ("no shared memory", |image| image.shared_bytes = 0),
];

pub fn cases() -> Vec<Case> {
    let spoils = SPOILS
        .map(|(name, spoil)| Case::new(format!("refuse {name}"), move |rig| refuse(rig, spoil)));
    let mut all = Vec::from(spoils);
    all.push(Case::new("one image at a time", busy));
    all.push(Case::new("no start without a load", unloaded));
    all
}

/// An image of one page that halts at once.
pub fn halting() -> ImageFile<'static> {
    ImageFile {
        entry: BASE,
        shared_bytes: 1 << 20,
        public_bytes: 1 << 20,
        segments: vec![Segment {
            address: BASE,
            bytes: PAGE,
            data: &CODE,
            access: Access::Execute,
        }],
    }
}

fn refuse(rig: &Rig, spoil: Spoil) -> Outcome {
    let mut image = halting();
    let device = rig.device()?;
    device
        .load(rig.cpu, &image)
        .map_err(|error| format!("refused unspoiled: {error}"))?;
    spoil(&mut image);
    match device.load(rig.cpu, &image) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::AlreadyExists
            ) =>
        {
            Ok(())
        }
        other => Err(format!("{other:?}")),
    }
}

fn busy(rig: &Rig) -> Outcome {
    let core = rig.start("quiet")?;
    let file = rig.image("quiet")?;
    let image = ImageFile::parse(&file).map_err(|error| error.to_string())?;
    let loaded = core.device.load(rig.cpu, &image);
    core.give_back()?;
    match loaded {
        Err(error) if error.kind() == ErrorKind::ResourceBusy => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn unloaded(rig: &Rig) -> Outcome {
    rig.start("quiet")?.give_back()?;
    match rig.device()?.start() {
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        other => Err(format!("{other:?}")),
    }
}
