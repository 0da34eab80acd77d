//! Rows of the rings, and what follows from them.

use crate::report::{Bound, Derived, Measured};
use crate::rows::{Group, row};

/// A round trip may take this much of the bare line's.
const TRIP_MAX: f64 = 1.5;
/// A batch's message may take this much of a peer's.
const BATCH_MAX: f64 = 1.0;
/// The least share of memcpy's throughput.
const FRAME_MIN: f64 = 0.6;

/// The rows, in the order of the report.
pub const GROUPS: &[Group] = &[
    (
        "application -> service -> application",
        &[
            row("trip.line", "bare cache line, there and back"),
            row("trip.unmeasured", "message and answer, unmeasured task"),
            row("trip.measured", "message and answer, measured task"),
        ],
    ),
    (
        "16 bytes one way, 32 at a time: each",
        &[
            row("batch.ours", "channel: publish_msgs, try_recv_msgs"),
            row("batch.looking", "channel: try_send_msgs, try_recv_msgs"),
            row("batch.rtrb", "rtrb: chunks"),
            row("batch.ringbuf", "ringbuf: slices"),
        ],
    ),
    (
        "frames one way: each",
        &[
            row("frame.1k.ours", "channel, 1 KiB"),
            row("frame.1k.memcpy", "memcpy in, memcpy out, 1 KiB"),
            row("frame.4k.ours", "channel, 4 KiB"),
            row("frame.4k.memcpy", "memcpy in, memcpy out, 4 KiB"),
        ],
    ),
    (
        "wake of a blocked reader",
        &[
            row("wake.ours", "channel, blocked in poll"),
            row("wake.eventfd", "eventfd, blocked in read"),
            row("wake.pipe", "pipe, blocked in read"),
            row("wake.uring", "io_uring, blocked in its wait"),
        ],
    ),
];

/// What follows from the rows that were measured, and from DPDK's figure of its ring, where there is one.
pub fn derive(measured: &[Measured], rte_ring: Option<f64>) -> Vec<Derived> {
    let of = |id: &str| {
        let found = measured.iter().find(|one| one.row.id == id);
        found.map(|one| one.summary)
    };
    let mut derived = Vec::new();
    let mut add = |id, label, over, under, quantile: Option<usize>, target| {
        let (Some(over), Some(under)) = (of(over), of(under)) else {
            return;
        };
        let value = match quantile {
            Some(at) => over.quantiles[at] as f64 / under.quantiles[at].max(1) as f64,
            None => over.fine / under.fine,
        };
        derived.push(Derived {
            id,
            label,
            value,
            is_share: matches!(target, Some(Bound::Least(_))),
            target,
        });
    };
    let trip = Some(Bound::Most(TRIP_MAX));
    let (ours, books, line) = ("trip.unmeasured", "trip.measured", "trip.line");
    add(
        "trip.p50",
        "round trip / bare line, p50",
        ours,
        line,
        Some(0),
        trip,
    );
    add(
        "trip.p99",
        "round trip / bare line, p99",
        ours,
        line,
        Some(1),
        trip,
    );
    add(
        "trip.books.p50",
        "the same, measured task, p50",
        books,
        line,
        Some(0),
        None,
    );
    add(
        "trip.books.p99",
        "the same, measured task, p99",
        books,
        line,
        Some(1),
        None,
    );
    let batch = Some(Bound::Most(BATCH_MAX));
    add(
        "batch.rtrb",
        "batch: ours / rtrb",
        "batch.ours",
        "batch.rtrb",
        None,
        batch,
    );
    add(
        "batch.ringbuf",
        "batch: ours / ringbuf",
        "batch.ours",
        "batch.ringbuf",
        None,
        batch,
    );
    let frame = Some(Bound::Least(FRAME_MIN));
    let copy = ("frame.1k.memcpy", "frame.1k.ours");
    add(
        "frame.1k",
        "1 KiB: share of memcpy's throughput",
        copy.0,
        copy.1,
        None,
        frame,
    );
    let copy = ("frame.4k.memcpy", "frame.4k.ours");
    add(
        "frame.4k",
        "4 KiB: share of memcpy's throughput",
        copy.0,
        copy.1,
        None,
        frame,
    );
    let wakes = [
        ("wake.eventfd", "wake: ours / eventfd, p50"),
        ("wake.pipe", "wake: ours / pipe, p50"),
        ("wake.uring", "wake: ours / io_uring, p50"),
    ];
    for (peer, label) in wakes {
        add(peer, label, "wake.ours", peer, Some(0), None);
    }
    if let (Some(ours), Some(cycles)) = (of("batch.ours"), rte_ring) {
        derived.push(Derived {
            id: "batch.rte_ring",
            label: "batch: ours / rte_ring",
            value: ours.fine / cycles,
            is_share: false,
            target: batch,
        });
    }
    derived
}
