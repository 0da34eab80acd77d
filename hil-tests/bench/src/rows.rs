//! The rows of the report: what is measured, what it is called, what it should be.

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The id by which it is measured and filtered, and its name in JSON.
    pub id: &'static str,
    /// What it is, for people.
    pub label: &'static str,
    /// The largest fine figure that is good, cycles.
    pub target: Option<f64>,
}

/// A heading and its rows.
pub type Group = (&'static str, &'static [Row]);

/// A row without a target.
pub const fn row(id: &'static str, label: &'static str) -> Row {
    Row {
        id,
        label,
        target: None,
    }
}

const fn target(id: &'static str, label: &'static str, cycles: f64) -> Row {
    Row {
        id,
        label,
        target: Some(cycles),
    }
}

/// All rows, in the order of the report.
pub fn groups() -> impl Iterator<Item = &'static Group> {
    GROUPS.iter().chain(crate::rings::GROUPS)
}

const GROUPS: &[Group] = &[
    (
        "spawn of a more urgent task",
        &[
            target(
                "spawn.first",
                "spawn to first instruction, unmeasured",
                30.0,
            ),
            target(
                "spawn.first.measured",
                "spawn to first instruction, measured",
                30.0,
            ),
            target(
                "spawn.return",
                "return to the preempted one, unmeasured",
                20.0,
            ),
            target(
                "spawn.return.measured",
                "return to the preempted one, measured",
                20.0,
            ),
            row("spawn.clock", "of which, measured: reading the clock"),
            target("spawn.whole", "spawn + run + return, unmeasured", 50.0),
            target(
                "spawn.whole.measured",
                "spawn + run + return, measured",
                50.0,
            ),
        ],
    ),
    (
        "peers: less is done",
        &[
            row(
                "peer.embassy.first",
                "embassy-executor: wake to first instr.",
            ),
            row("peer.embassy.poll", "embassy-executor: wake + poll"),
            row("peer.closures", "VecDeque<Box<dyn FnMut>>: pop, call, push"),
            row("peer.park", "std unpark + park, there and back"),
        ],
    ),
    (
        "lock",
        &[target(
            "lock",
            "lock + unlock, less the increment inside",
            4.0,
        )],
    ),
    (
        "dispatch, by tasks in the image",
        &[
            row("dispatch.one.1", "1 task"),
            row("dispatch.one.8", "one of 8"),
            row("dispatch.one.64", "one of 64"),
            row("dispatch.one.512", "one of 512"),
            row("dispatch.turn.1", "1 task in turn"),
            row("dispatch.turn.8", "8 tasks in turn"),
            row("dispatch.turn.64", "64 tasks in turn"),
            row("dispatch.turn.512", "512 tasks in turn"),
        ],
    ),
    (
        "idle loop's turns, one release in 1 us",
        &[
            row("tick.idle", "nothing due"),
            row("tick.unmeasured", "release + job, 1 task, unmeasured"),
            row("tick.measured.1", "release + job, 1 task, measured"),
            row("tick.measured.8", "release + job, 8 in turn, measured"),
            row("tick.measured.64", "release + job, 64 in turn, measured"),
            row("tick.measured.512", "release + job, 512 in turn, measured"),
        ],
    ),
    (
        "from another CPU's store to who waits for it",
        &[
            row("idle.poll", "a core that polls in idle"),
            row("idle.halt", "a core that halts in idle: doorbell"),
            row("idle.futex", "a thread that is parked: unpark (futex)"),
        ],
    ),
    (
        "timers",
        &[
            row("timer.spawn_at", "spawn_at + cancel"),
            row("timer.add", "wheel: add"),
            row("timer.expire", "wheel: expire, each timer"),
        ],
    ),
];

/// All rows without their headings.
pub fn all() -> impl Iterator<Item = &'static Row> {
    groups().flat_map(|(_, rows)| rows.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_there_once() {
        let mut ids: Vec<&str> = all().map(|row| row.id).collect();
        let rows = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rows);
    }

    #[test]
    fn every_label_fits_its_column() {
        assert!(all().all(|row| row.label.len() <= crate::report::LABEL_WIDTH));
    }
}
