//! Figures of cores as JSON.

use offsched_abi::message::MessageType;
use serde_json::{Value, json};

use super::facts::{CoreFacts, ServiceFacts, TaskFacts, Worst};

/// All cores, in one object.
pub fn object(cores: &[CoreFacts]) -> Value {
    json!({ "cores": cores.iter().map(core).collect::<Vec<_>>() })
}

fn core(core: &CoreFacts) -> Value {
    json!({
        "place": core.place,
        "cpu": core.cpu,
        "state": core.state.to_string(),
        "cpu_returned": core.returned,
        "epoch": core.epoch,
        "uptime_ns": core.uptime_ns,
        "heartbeat_age_ns": core.heartbeat_age_ns,
        "crash": core.crash,
        "poll_refused": core.poll_refused,
        "stack": core.stack.map(|(used, bytes)| json!({ "used_bytes": used, "bytes": bytes })),
        "strays": core.strays,
        "nmis": core.nmis,
        "gaps": { "count": core.gaps.0, "max_ns": core.gaps.1 },
        "services": core.services.iter().map(service).collect::<Vec<_>>(),
        "tasks": core.tasks.iter().map(task).collect::<Vec<_>>(),
    })
}

fn service(service: &ServiceFacts) -> Value {
    json!({
        "name": service.name,
        "channels": service.channels,
        "taken": service.taken,
        "free": service.channels - service.taken,
        "rx_bytes_max": service.messages.0,
        "tx_bytes_max": service.messages.1,
        "rx_type": message_type(&service.types[0]),
        "tx_type": message_type(&service.types[1]),
    })
}

/// A number of 64 bits is text: not every reader of JSON has such numbers.
fn message_type(found: &MessageType) -> Value {
    match found.id {
        0 => Value::Null,
        id => json!({ "name": found.name(), "id": format!("{id:016x}") }),
    }
}

fn task(task: &TaskFacts) -> Value {
    let lateness = task
        .lateness
        .map(|found| json!({ "p50": found.p50, "p99": found.p99, "max": found.max }));
    json!({
        "name": task.name,
        "releases": task.releases,
        "completions": task.completions,
        "misses": task.misses,
        "overruns": task.overruns,
        "not_run": task.not_run,
        "dropped": task.dropped,
        "lateness_ns": lateness,
        "execution_max_ns": task.execution_max_ns,
        "worst": task.worst.as_ref().map(worst),
    })
}

fn worst(worst: &Worst) -> Value {
    let ran = |(task, ns): &(String, u64)| json!({ "task": task, "ns": ns });
    json!({
        "late_ns": worst.late,
        "response_ns": worst.response,
        "ran": worst.ran.iter().map(ran).collect::<Vec<_>>(),
        "holder": worst.holder,
        "gap_ns": worst.gap,
        "unknown_ns": worst.unknown,
    })
}
