//! Figures of cores as text.

use offsched_abi::header::State;
use offsched_decode::printable;

use super::facts::{CoreFacts, Quantiles, ServiceFacts, TaskFacts, Worst};
use crate::format::{grouped, length};

/// What the columns are.
pub const LEGEND: &str =
    "late: from release to start; p50 and p99 are upper bounds, maxima are exact";

/// Why a core under a hypervisor wakes late, and what to do.
const POLL_REFUSED: &str = "  halts in idle: its app would poll, but a hypervisor runs this CPU and would \
    take it from others; late figures include the wake-up (an `idle` function in the app keeps it polling)";

/// Narrowest first column.
const NAME_MIN: usize = 12;

/// A core, a line each.
pub fn lines(core: &CoreFacts) -> Vec<String> {
    let mut lines = vec![headline(core)];
    if let Some(words) = &core.crash {
        let first = if words.is_empty() {
            "it left no message"
        } else {
            words
        };
        lines.extend(printable(first).lines().map(|line| format!("  {line}")));
        lines.push(format!("  {} says where", crash_command(core)));
        if let tasks @ [_, ..] = core.not_done().as_slice() {
            lines.push(format!("  not done: {}", tasks.join(", ")));
        }
    }
    if core.is_stuck() {
        let what = match core.not_done().join(", ") {
            _ if core.state == State::Starting => "; still in its init".to_owned(),
            tasks if tasks.is_empty() => String::new(),
            tasks => format!("; not done: {tasks}"),
        };
        lines.push(format!("  wedged, or in a long job{what}"));
    }
    let names = core.tasks.iter().map(|task| &task.name);
    let names = names.chain(core.services.iter().map(|service| &service.name));
    let width = names
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .max(NAME_MIN);
    if !core.services.is_empty() {
        lines.push(format!(
            "  {:<width$}  channels taken  longest message in, out  messages",
            "service"
        ));
        lines.extend(
            core.services
                .iter()
                .map(|service| service_line(service, width)),
        );
    }
    if !core.tasks.is_empty() {
        lines.push(format!(
            "  {:<width$}{:>12}{:>9}{:>9}{:>10}{:>10}{:>10}{:>10}",
            "task", "releases", "misses", "overruns", "late p50", "p99", "max", "exec max"
        ));
        lines.extend(core.tasks.iter().map(|task| task_line(task, width)));
    }
    let missed = core.tasks.iter().filter(|task| task.misses > 0);
    lines.extend(missed.filter_map(|task| Some(worst_line(&task.name, task.worst.as_ref()?))));
    lines.extend(dropped(core));
    if core.poll_refused {
        lines.push(POLL_REFUSED.to_owned());
    }
    if let Some((used, bytes)) = core.stack {
        lines.push(format!(
            "  stack {:.1} of {} KiB, strays {}, NMIs {}",
            used as f64 / 1024.0,
            bytes / 1024,
            grouped(core.strays),
            grouped(core.nmis)
        ));
    }
    let (gaps, longest) = core.gaps;
    if gaps > 0 {
        lines.push(format!(
            "  gaps (the platform took the CPU): {}, longest {}",
            grouped(gaps),
            length(longest)
        ));
    }
    lines
}

/// Why a task's worst job was late.
fn worst_line(task: &str, worst: &Worst) -> String {
    let mut reasons: Vec<_> = worst
        .ran
        .iter()
        .map(|(who, ns)| format!("{who} ran {}", length(*ns)))
        .collect();
    reasons.extend(
        worst
            .holder
            .iter()
            .map(|who| format!("{who} held the ceiling")),
    );
    let rest = [(worst.gap, "in a gap"), (worst.unknown, "unknown")];
    let rest = rest.into_iter().filter(|(ns, _)| *ns > 0);
    reasons.extend(rest.map(|(ns, what)| format!("{} {what}", length(ns))));
    let (late, response) = (length(worst.late), length(worst.response));
    let why = if reasons.is_empty() {
        "all its own".to_owned()
    } else {
        reasons.join(", ")
    };
    format!("  {task} at worst: started {late} and ended {response} after its release; {why}")
}

/// What a stop has left undone.
fn dropped(core: &CoreFacts) -> Option<String> {
    let tasks = core.tasks.iter().filter(|task| task.dropped > 0);
    let tasks: Vec<_> = tasks
        .map(|task| format!("{} {}", grouped(task.dropped), task.name))
        .collect();
    (!tasks.is_empty()).then(|| {
        format!(
            "  jobs that waited at the stop, dropped: {}",
            tasks.join(", ")
        )
    })
}

fn crash_command(core: &CoreFacts) -> String {
    match core.cpu {
        Some(cpu) => format!("`offsched crash --cpu {cpu} --image FILE`"),
        None => format!("`offsched crash --device {}`", core.place),
    }
}

fn headline(core: &CoreFacts) -> String {
    let mut line = format!("{}: {}", core.place, core.state);
    if let Some(up) = core.uptime_ns {
        line += &format!(" for {:.1} s", up as f64 / 1e9);
    }
    line += &format!(", epoch {}", core.epoch);
    if let Some(age) = core.heartbeat_age_ns {
        line += &format!(", last idle {} ago", length(age));
    }
    match core.returned {
        Some(true) => line += "; the CPU is Linux's",
        Some(false) if core.uptime_ns.is_none() => {
            line += "; the CPU is not back yet: `offsched stop`"
        }
        _ => {}
    }
    line
}

fn service_line(service: &ServiceFacts, width: usize) -> String {
    let (to_core, from_core) = service.messages;
    let taken = format!("{} of {}", service.taken, service.channels);
    let bytes = format!("{to_core}, {from_core} bytes");
    let names = names_of(service);
    format!("  {:<width$}  {taken:<16}{bytes:<25}{names}", service.name)
        .trim_end()
        .to_owned()
}

/// Types by name, where they are stated.
fn names_of(service: &ServiceFacts) -> String {
    let [rx, tx] = service.types.map(|found| found.name().to_owned());
    match (rx.as_str(), tx.as_str()) {
        ("", "") => String::new(),
        _ => format!("{rx}, {tx}"),
    }
}

/// The services of a core, two lines each: with the identities of their messages.
pub fn services(core: &CoreFacts) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", core.place, core.state)];
    for service in &core.services {
        let (name, taken, channels) = (&service.name, service.taken, service.channels);
        lines.push(format!("  {name}: {taken} of {channels} channels taken"));
        let sizes = [service.messages.0, service.messages.1];
        let ways = ["to the core", "from the core"];
        for ((way, found), size) in ways.into_iter().zip(&service.types).zip(sizes) {
            lines.push(format!("    {way:<15}{found}, at most {size} bytes"));
        }
    }
    if core.services.is_empty() {
        lines.push("  no services".to_owned());
    }
    lines
}

fn task_line(task: &TaskFacts, width: usize) -> String {
    let late = |pick: fn(&Quantiles) -> u64| {
        task.lateness
            .as_ref()
            .map_or_else(|| "-".to_owned(), |found| length(pick(found)))
    };
    format!(
        "  {:<width$}{:>12}{:>9}{:>9}{:>10}{:>10}{:>10}{:>10}",
        task.name,
        grouped(task.releases),
        grouped(task.misses),
        grouped(task.overruns),
        late(|found| found.p50),
        late(|found| found.p99),
        late(|found| found.max),
        task.lateness
            .map_or_else(|| "-".to_owned(), |_| length(task.execution_max_ns)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use offsched_abi::message::MessageType;

    fn core() -> CoreFacts {
        CoreFacts {
            state: State::Running,
            uptime_ns: Some(12_345_000_000),
            heartbeat_age_ns: Some(900),
            returned: Some(false),
            services: vec![ServiceFacts {
                name: "timer".into(),
                channels: 4,
                taken: 1,
                messages: (16, 24),
                types: [MessageType::of::<u64>(), MessageType::of::<[u8; 24]>()],
            }],
            tasks: vec![
                TaskFacts {
                    name: "sample".into(),
                    releases: 1_234_567,
                    completions: 1_234_567,
                    misses: 3,
                    lateness: Some(Quantiles {
                        p50: 60,
                        p99: 400,
                        max: 31_000,
                    }),
                    execution_max_ns: 2_000,
                    ..TaskFacts::default()
                },
                TaskFacts {
                    name: "unmeasured".into(),
                    ..TaskFacts::default()
                },
            ],
            ..CoreFacts::silent("CPU 1".into(), Some(1), false, 2)
        }
    }

    #[test]
    fn a_core_is_a_headline_and_two_tables() {
        let expected = "\
CPU 1: running for 12.3 s, epoch 2, last idle 900 ns ago
  service       channels taken  longest message in, out  messages
  timer         1 of 4          16, 24 bytes             u64, [u8;24]
  task            releases   misses overruns  late p50       p99       max  exec max
  sample         1,234,567        3        0     60 ns    400 ns     31 us   2000 ns
  unmeasured             0        0        0         -         -         -         -";
        assert_eq!(lines(&core()).join("\n"), expected);
        assert!(lines(&core()).iter().all(|line| line.len() < 100));
    }

    #[test]
    fn services_are_listed_with_what_a_client_states() {
        let mut core = core();
        core.services.push(ServiceFacts {
            name: "raw".into(),
            channels: 1,
            taken: 0,
            messages: (8, 8),
            types: Default::default(),
        });
        let expected = "\
CPU 1: running
  timer: 1 of 4 channels taken
    to the core    u64 (4d35d3193e8d66f2), at most 16 bytes
    from the core  [u8;24] (5aa952917ecb3c95), at most 24 bytes
  raw: 0 of 1 channels taken
    to the core    of a type not stated, at most 8 bytes
    from the core  of a type not stated, at most 8 bytes";
        assert_eq!(services(&core).join("\n"), expected);
    }

    #[test]
    fn a_task_that_missed_says_why_at_worst() {
        let mut late = core();
        late.tasks[0].worst = Some(Worst {
            late: 75_000,
            response: 85_000,
            ran: vec![("long".into(), 70_000), ("short".into(), 800)],
            holder: Some("idle".into()),
            gap: 3_000,
            unknown: 200,
        });
        // Without a miss there is nothing to explain.
        late.tasks[1].worst = Some(Worst::default());
        assert_eq!(
            lines(&late)[6..],
            [
                "  sample at worst: started 75 us and ended 85 us after its release; long ran 70 us, short ran 800 ns, \
              idle held the ceiling, 3000 ns in a gap, 200 ns unknown"
            ]
        );
        late.tasks[0].worst = Some(Worst::default());
        assert!(lines(&late)[6].ends_with("after its release; all its own"));
    }

    #[test]
    fn what_a_stop_dropped_is_told_and_not_taken_for_undone() {
        let mut stopped = core();
        stopped.tasks[0].releases += 2;
        assert_eq!(stopped.not_done(), ["sample"]);
        stopped.tasks[0].dropped = 2;
        stopped.tasks[1].dropped = 1;
        assert_eq!(stopped.not_done(), [""; 0]);
        let last = "  jobs that waited at the stop, dropped: 2 sample, 1 unmeasured";
        assert_eq!(lines(&stopped).last().map(String::as_str), Some(last));
    }

    #[test]
    fn a_bare_core_tells_how_much_of_its_stack_was_used_and_what_hit_it() {
        let bare = CoreFacts {
            stack: Some((3_200, 256 << 10)),
            strays: 1_234,
            nmis: 1,
            gaps: (2, 5_000),
            ..core()
        };
        assert_eq!(
            lines(&bare)[6..],
            [
                "  stack 3.1 of 256 KiB, strays 1,234, NMIs 1",
                "  gaps (the platform took the CPU): 2, longest 5000 ns"
            ]
        );
    }

    #[test]
    fn a_crash_is_told_with_its_words_and_what_to_do() {
        let crashed = CoreFacts {
            state: State::Crashed,
            uptime_ns: None,
            crash: Some("page fault at 0x1000".into()),
            ..CoreFacts::silent("CPU 1".into(), Some(1), false, 2)
        };
        assert_eq!(
            lines(&crashed).join("\n"),
            "CPU 1: crashed, epoch 2; the CPU is not back yet: `offsched stop`\n  page fault at 0x1000\n  \
             `offsched crash --cpu 1 --image FILE` says where"
        );
    }

    #[test]
    fn a_core_that_does_not_come_back_to_idle_is_pointed_out() {
        let mut stuck = core();
        assert_eq!(lines(&stuck).len(), 6);
        stuck.tasks[0].releases = stuck.tasks[0].completions + 1;
        stuck.heartbeat_age_ns = Some(999_999_999);
        assert_eq!(lines(&stuck).len(), 6);
        stuck.heartbeat_age_ns = Some(1_000_000_000);
        assert_eq!(
            lines(&stuck)[1],
            "  wedged, or in a long job; not done: sample"
        );
        stuck.state = State::Offline;
        assert_eq!(lines(&stuck).len(), 6);
    }
}
