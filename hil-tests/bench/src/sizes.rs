//! What a task takes in memory.

use std::mem::size_of;

use offsched::Core;
use offsched::abi::telemetry::{CoreTelemetry, TaskTelemetry};
use offsched::rt::{Node, State, Task};

/// All state of this many tasks is to stay below [`TOTAL_MAX`].
pub const TASKS: usize = 64;
/// Bytes.
pub const TOTAL_MAX: usize = 64 * 1024;

/// The parts: name, bytes of one.
pub fn of_task() -> [(&'static str, usize); 4] {
    [
        ("declaration (Task)", size_of::<Task>()),
        ("words (State)", size_of::<State>()),
        ("place for a job (Node)", size_of::<Node>()),
        ("telemetry (TaskTelemetry)", size_of::<TaskTelemetry>()),
    ]
}

/// What the core itself takes, once: name, bytes.
pub fn of_core() -> [(&'static str, usize); 2] {
    [
        ("core (Core)", size_of::<Core>()),
        ("core telemetry (CoreTelemetry)", size_of::<CoreTelemetry>()),
    ]
}

/// Bytes of a core with so many tasks, each with one place for a job.
pub fn total(tasks: usize) -> usize {
    let sum = |parts: &[(&str, usize)]| parts.iter().map(|(_, bytes)| bytes).sum::<usize>();
    tasks * sum(&of_task()) + sum(&of_core())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_tasks_stay_below_64_kib() {
        assert!(total(TASKS) < TOTAL_MAX, "{} bytes", total(TASKS));
    }
}
