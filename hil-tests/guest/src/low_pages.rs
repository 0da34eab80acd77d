//! The first MiB is Linux's: what the module borrows there, it gives back.
//!
//! Looked at from outside, because a kernel shows user space zeros there.

use offsched_abi::header::State;

use crate::Outcome;
use crate::case::Case;
use crate::hostile::halting;
use crate::rig::Rig;

const PAGE: usize = 4096;

pub fn cases() -> Vec<Case> {
    vec![Case::new("the low page is given back", given_back).with_harness()]
}

/// Which pages of the first MiB hold anything: bytes `0` and `1`.
pub struct LowPages(Vec<u8>);

impl LowPages {
    pub fn look(rig: &Rig) -> Result<Self, String> {
        let pages = rig.ask("low-pages")?.into_bytes();
        // A look that sees nothing would find nothing.
        if pages.contains(&b'1') && pages.contains(&b'0') {
            Ok(Self(pages))
        } else {
            Err("the first MiB is all zero, or all used".to_owned())
        }
    }

    /// That nothing is left in a page that was zero before.
    pub fn check(&self, rig: &Rig, when: &str) -> Outcome {
        let now = Self::look(rig)?;
        let pages = self.0.iter().zip(&now.0).enumerate();
        let left: Vec<_> = pages
            .filter(|(_, (before, after))| (**before, **after) == (b'0', b'1'))
            .map(|(page, _)| format!("{:#x}", page * PAGE))
            .collect();
        if left.is_empty() && now.0.len() == self.0.len() {
            Ok(())
        } else {
            Err(format!(
                "{when}: not zero any more: the pages at {}",
                left.join(", ")
            ))
        }
    }
}

/// While a core runs, after it, and after one that gave no sign of life.
fn given_back(rig: &Rig) -> Outcome {
    rig.plug("0")?;
    rig.plug("1")?;
    let before = LowPages::look(rig)?;
    let core = rig.start("quiet")?;
    core.wait(&[State::Running])?;
    before.check(rig, "a core runs")?;
    core.give_back()?;
    before.check(rig, "it was given back")?;
    let device = rig.device()?;
    device
        .load(rig.cpu, &halting())
        .map_err(|error| format!("load: {error}"))?;
    if device.start().is_ok() {
        return Err("an image that only halts has started".to_owned());
    }
    before.check(rig, "a start failed")
}
