//! Rows of a task table that is written by hand, as the attributes would expand it: the tests must not depend on the macros.

use offsched::OnMiss;
use offsched::rt::{Core, Job, Release, Task};

/// A measured task with neither deadline nor budget, and a capacity of 1.
pub const fn task(
    name: &'static str,
    level: u8,
    release: Release,
    first_node: u16,
    run: unsafe fn(&Core, Job),
) -> Task {
    Task {
        name,
        level,
        release,
        deadline: None,
        budget_ns: None,
        on_miss: OnMiss::Count,
        capacity: 1,
        measure: true,
        first_node,
        run,
    }
}

/// An event task's release, without a least interval.
#[allow(dead_code, reason = "each test binary uses a part")]
pub const EVENT: Release = Release::Event { min_interval_us: 0 };
