//! What the Rust compiler made of the types: static asserts for C, and constants that it computed.

use std::fmt::Write;
use std::mem::offset_of;

use offsched_abi::channel::{ChannelState, ControlPage, WakeLine};
use offsched_abi::console::Console;
use offsched_abi::header::{
    BELL_OFFSET, Bells, Build, CoreState, CrashMessage, CrashScene, EPOCH_OFFSET, Header,
    LAYOUT_HASH, MAGIC, REGISTERS, RUNG_OFFSET, STATE_OFFSET, Tables, TimeBase,
};
use offsched_abi::image::{
    CONSOLE_BYTES, DUMP_ADDRESS, ImageInfo, LOG_BYTES, PARAMS_ADDRESS, PARAMS_MAGIC, Params,
};
use offsched_abi::load::{Limit, Load, Segment};
use offsched_abi::message::MessageType;
use offsched_abi::node::{Bind, CoreStatus, NODE_MAGIC, Reply, Request};
use offsched_abi::region::ServiceEntry;
use offsched_abi::ring::{ConsumerLine, ProducerLine, RingWords};
use offsched_abi::telemetry::{CoreTelemetry, TaskName, TaskTelemetry};

use crate::names::Names;

/// Constants that are expressions in Rust: name, value, comment.
pub(crate) const COMPUTED: &[(&str, u64, &str)] = &[
    (
        "MAGIC",
        MAGIC,
        "The first word of every region: \"offsched\".",
    ),
    (
        "LAYOUT_HASH",
        LAYOUT_HASH,
        "Of the sizes and offsets of everything shared, and of how frames lie in rings.",
    ),
    (
        "NODE_MAGIC",
        NODE_MAGIC as u64,
        "First word of every request and reply: \"osch\".",
    ),
    (
        "PARAMS_MAGIC",
        PARAMS_MAGIC,
        "First word of the parameters: \"offparm\", and a version.",
    ),
    (
        "CONSOLE_BYTES",
        CONSOLE_BYTES as u64,
        "Bytes of the console, whole pages.",
    ),
    (
        "LOG_BYTES",
        LOG_BYTES as u64,
        "Bytes of the log rings, whole pages.",
    ),
    (
        "DUMP_ADDRESS",
        DUMP_ADDRESS as u64,
        "Address of the word that tells what a non-maskable interrupt is for.",
    ),
    (
        "EPOCH_OFFSET",
        EPOCH_OFFSET as u64,
        "Offset of a core's epoch in its region, bytes.",
    ),
    ("REGISTERS", REGISTERS as u64, "Registers of a crash scene."),
    (
        "STATE_OFFSET",
        STATE_OFFSET as u64,
        "Offset of a core's state in its region, bytes.",
    ),
    (
        "RUNG_OFFSET",
        RUNG_OFFSET as u64,
        "Offset of the marks of the core's rings, bytes.",
    ),
    (
        "BELL_OFFSET",
        BELL_OFFSET as u64,
        "Offset of the mark of Linux's ring, bytes.",
    ),
];

/// A type's size, alignment, and offsets of its fields that are public in Rust, all in bytes.
struct Layout {
    name: &'static str,
    size: usize,
    align: usize,
    fields: &'static [(&'static str, usize)],
}

macro_rules! layouts {
    ($($type:ident { $($field:ident),* })*) => {
        &[$(Layout {
            name: stringify!($type),
            size: size_of::<$type>(),
            align: align_of::<$type>(),
            fields: &[$((stringify!($field), offset_of!($type, $field))),*],
        }),*]
    };
}

const LAYOUTS: &[Layout] = layouts! {
    Header { state, bells, time, crash, scene, build }
    Tables {
        region_bytes, public_bytes, services_offset, services, channels_offset, channels, telemetry_offset, tasks
    }
    CoreState {}
    Bells {}
    TimeBase {}
    CrashMessage {}
    CrashScene {}
    Build {}
    MessageType { id, name }
    ServiceEntry {
        name, clients, ring_bytes, rx_size, tx_size, first_channel, reserved, rx_type, tx_type
    }
    ChannelState {}
    CoreTelemetry {
        tick_zero, heartbeat, gaps, gap_max, gap_total, clock_steps_back, interrupts,
        foreign_spawns, bad_messages, console_lost, strays, nmis, stack_bytes, stack_used,
        poll_refused, jobs, trace
    }
    TaskName {}
    TaskTelemetry {
        name, releases, completions, misses, overruns, rejected, skipped, postponed, dropped, lateness_max,
        lateness_max_outside_gaps, response_max, execution_max, execution_total, lateness,
        lateness_in_gaps, execution, worst
    }
    ControlPage { core, app, to_core, from_core }
    WakeLine {}
    RingWords {}
    ProducerLine {}
    ConsumerLine {}
    Console {}
    Params { magic, root, shared_bytes, tsc_khz, tsc, monotonic_ns, cpu, apic_id, epoch }
    ImageInfo {}
    Request { magic, abi_version, layout_hash, op, reserved, name, rx_type, tx_type }
    Reply {
        magic, abi_version, layout_hash, status, core_state, core_epoch, service, channel,
        channel_epoch
    }
    Bind {
        abi_version, flags, layout_hash, name, service, channel, channel_epoch, core_epoch, cpu, wait_ms,
        rx_type, tx_type, offset, bytes
    }
    CoreStatus { cpu, state, epoch, reserved, shared_bytes, public_bytes }
    Load { entry, segments, count, cpu, shared_bytes, public_bytes }
    Limit { service, gid, reserved }
    Segment { address, bytes, data, data_bytes, access, reserved }
};

/// Fields that are private in Rust, by constants that it has for them.
const PRIVATE: &[(&str, &str, usize)] = &[
    ("Header", "state.state", STATE_OFFSET),
    ("Header", "state.epoch", EPOCH_OFFSET),
    ("Header", "bells.rung", RUNG_OFFSET),
    ("Header", "bells.bell", BELL_OFFSET),
    ("Params", "dump", DUMP_ADDRESS - PARAMS_ADDRESS),
];

/// The computed constants in C.
pub fn constants() -> String {
    let mut text = String::new();
    for (name, value, comment) in COMPUTED {
        let _ = write!(
            text,
            "/* {comment} */\n#define OFFSCHED_{name} {value:#x}ULL\n\n"
        );
    }
    text.pop();
    text
}

/// The static asserts in C.
pub fn asserts(names: &Names) -> String {
    let mut text = String::from("/* As Rust lays them out. */\n");
    let mut assert = |claim: String| {
        let _ = writeln!(
            text,
            "_Static_assert({claim}, \"not as in executive/abi\");"
        );
    };
    for layout in LAYOUTS {
        let name = names.get(layout.name);
        assert(format!("sizeof(struct {name}) == {}", layout.size));
        assert(format!("_Alignof(struct {name}) == {}", layout.align));
        for (field, offset) in layout.fields {
            assert(format!("offsetof(struct {name}, {field}) == {offset}"));
        }
    }
    for (layout, field, offset) in PRIVATE {
        let name = names.get(layout);
        assert(format!("offsetof(struct {name}, {field}) == {offset}"));
    }
    text
}
