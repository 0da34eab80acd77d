//! What a dispatch costs in images of 1, 8, 64 and 512 tasks: it must not grow.
//!
//! Two questions. The same task again and again shows the scheduler: its
//! search, its lists. All tasks in turn shows the memory too: 512 tasks have
//! half a megabyte of telemetry, more than the nearest caches hold.
#![allow(unsafe_code)]

use offsched::rt::{Job, Task};
use offsched::{App, Core, Image};

use crate::handover::Handover;
use crate::image::{EVENT, Target, count_spawned, image, open, reset, task};
use crate::series::Book;

/// The ids of what this app measures, by number of tasks.
const ROWS: [(usize, &str, &str); 4] = [
    (1, "dispatch.one.1", "dispatch.turn.1"),
    (8, "dispatch.one.8", "dispatch.turn.8"),
    (64, "dispatch.one.64", "dispatch.turn.64"),
    (512, "dispatch.one.512", "dispatch.turn.512"),
];

/// True if the book wants any row of the app with so many tasks.
pub fn wanted(book: &Book, tasks: usize) -> bool {
    ROWS.iter()
        .any(|(n, one, turn)| *n == tasks && book.wants(&[one, turn]))
}

/// The book, while the app runs.
pub static BOOK: Handover = Handover::new();

/// An app of `N` event tasks over all levels above 1, and one at level 1 that measures them.
pub struct Many<const N: usize>;

// SAFETY: the tables below belong together; the core is shared by all `N`, and runs one image at a time.
unsafe impl<const N: usize> App for Many<N> {
    const NAME: &'static str = "many";

    fn image() -> &'static Image<'static> {
        /// One for all `N`: only one of them runs at a time.
        static CORE: Core = Core::new();
        let levels = (2..=63).cycle().take(N);
        let mut tasks: Vec<Task> = levels
            .map(|level| task("many", level, EVENT, count_spawned))
            .collect();
        tasks.push(task("measure", 1, EVENT, measure::<N>));
        Box::leak(Box::new(image(&CORE, Self::NAME, tasks, |core| {
            // SAFETY: init comes before any task.
            unsafe { reset() };
            Target::new(core, N as u16).spawn();
        })))
    }
}

fn measure<const N: usize>(core: &Core, job: Job) {
    open(core, job);
    BOOK.measure(|book| {
        let targets: Vec<Target<'_>> = (0..N as u16)
            .map(|number| Target::new(core, number))
            .collect();
        for (_, one, turn) in ROWS.iter().filter(|(tasks, ..)| *tasks == N) {
            let last = targets[N - 1];
            book.batch(one, || {
                last.spawn();
            });
            let mut next = 0;
            book.batch(turn, || {
                targets[next].spawn();
                next = if next + 1 == N { 0 } else { next + 1 };
            });
        }
    });
    core.stop();
}
