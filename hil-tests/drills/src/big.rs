//! An image of megabytes beside rings of megabytes: 72 MiB in all.

pub use app::App;

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of the image that no file has.
pub const ROOM_BYTES: usize = 24 << 20;
/// Words of a page.
const PAGE_WORDS: usize = 512;

static ROOM: [AtomicU64; ROOM_BYTES / 8] = [const { AtomicU64::new(0) }; ROOM_BYTES / 8];

/// Pages of the room that are as they should be: zero at first, each its own after it has been written.
fn good_pages() -> usize {
    let pages = || (1..).zip(ROOM.chunks(PAGE_WORDS));
    let zero = pages().filter(|(_, page)| page.iter().all(|word| word.load(Relaxed) == 0));
    let zero = zero.count();
    pages().for_each(|(number, page)| page[PAGE_WORDS - 1].store(number, Relaxed));
    let own = pages().filter(|(number, page)| page[PAGE_WORDS - 1].load(Relaxed) == *number);
    zero.min(own.count())
}

/// The app.
#[offsched::app(services = [big = crate::echo::big])]
pub mod app {
    use core::fmt::Write;

    #[init]
    fn init(_: init::Context) {
        look::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn look(mut cx: look::Context) {
        let (good, all) = (super::good_pages(), super::ROOM_BYTES / 4096);
        writeln!(cx.console, "{good} of {all} pages").unwrap();
    }
}
