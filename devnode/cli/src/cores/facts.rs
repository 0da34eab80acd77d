//! What a core's region says, as figures in units for people.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use offsched_abi::channel::Phase;
use offsched_abi::header::{State, TimeScale};
use offsched_abi::histogram::quantile;
use offsched_abi::message::MessageType;
use offsched_abi::region::Region;
use offsched_abi::telemetry::{Autopsy, IDLE_TASK, NO_TASK, TaskTelemetry};

/// Not idle for so long is worth a word, ns.
const STUCK_NS: u64 = 1_000_000_000;

/// A core.
#[derive(Clone, Debug, PartialEq)]
pub struct CoreFacts {
    /// The CPU, or the socket of a hosted core.
    pub place: String,
    /// The CPU's number, where the device knows it.
    pub cpu: Option<u32>,
    /// What it does.
    pub state: State,
    /// Linux has the CPU; `None` for a hosted core.
    pub returned: Option<bool>,
    /// Starts so far.
    pub epoch: u32,
    /// Since its schedule began, while it runs.
    pub uptime_ns: Option<u64>,
    /// Since its idle loop last looked at the clock, while it runs.
    pub heartbeat_age_ns: Option<u64>,
    /// Its last words, if it crashed.
    pub crash: Option<String>,
    /// What the platform took from it: times, longest, ns.
    pub gaps: (u64, u64),
    /// Bytes of its stack that were ever used, and all of it, where that is known: bare cores.
    pub stack: Option<(u64, u64)>,
    /// Interrupts that were meant for nobody.
    pub strays: u64,
    /// Interrupts that cannot be masked.
    pub nmis: u64,
    /// Its app would poll in idle; it halts, for the hypervisor's sake.
    pub poll_refused: bool,
    /// What may be bound.
    pub services: Vec<ServiceFacts>,
    /// In the image's order.
    pub tasks: Vec<TaskFacts>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceFacts {
    /// Its name.
    pub name: String,
    /// Channels.
    pub channels: u32,
    /// Those that an application has.
    pub taken: u32,
    /// Longest messages to the core and from it, bytes.
    pub messages: (u32, u32),
    /// What they are.
    pub types: [MessageType; 2],
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskFacts {
    /// Its name.
    pub name: String,
    /// Jobs that became ready, ended, missed their deadline, ran over their budget.
    pub releases: u64,
    /// Jobs that ended.
    pub completions: u64,
    /// Jobs that ended after their deadline.
    pub misses: u64,
    /// Jobs that ran over their budget.
    pub overruns: u64,
    /// Releases passed over or refused.
    pub not_run: u64,
    /// Jobs that waited when it stopped, and were dropped.
    pub dropped: u64,
    /// Time from release to start; `None` if no job was measured.
    pub lateness: Option<Quantiles>,
    /// Longest execution, ns.
    pub execution_max_ns: u64,
    /// Its worst job; `None` if no job was measured.
    pub worst: Option<Worst>,
}

/// The job with a task's longest response, and what stood between its release and its end. Times in ns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worst {
    /// From its release to its start.
    pub late: u64,
    /// From its release to its end.
    pub response: u64,
    /// Who ran longest meanwhile, longest first.
    pub ran: Vec<(String, u64)>,
    /// Who held the ceiling above it at its release.
    pub holder: Option<String>,
    /// What of its wait a gap covered.
    pub gap: u64,
    /// What nothing of this explains.
    pub unknown: u64,
}

/// A distribution, ns. Quantiles are a histogram's upper bounds, the maximum is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// Half are no higher.
    pub p50: u64,
    /// 99 of 100 are no higher.
    pub p99: u64,
    /// None is higher.
    pub max: u64,
}

impl CoreFacts {
    /// A core of which there is nothing to read.
    pub fn silent(place: String, cpu: Option<u32>, returned: bool, epoch: u32) -> Self {
        Self {
            place,
            cpu,
            state: if returned {
                State::Offline
            } else {
                State::Starting
            },
            returned: Some(returned),
            epoch,
            uptime_ns: None,
            heartbeat_age_ns: None,
            crash: None,
            gaps: (0, 0),
            stack: None,
            strays: 0,
            nmis: 0,
            poll_refused: false,
            services: Vec::new(),
            tasks: Vec::new(),
        }
    }

    /// Tasks with jobs that were released and have not ended, though not dropped by a stop.
    pub fn not_done(&self) -> Vec<&str> {
        let open = |task: &&TaskFacts| task.releases > task.completions + task.dropped;
        let tasks = self.tasks.iter().filter(open);
        tasks.map(|task| task.name.as_str()).collect()
    }

    /// Has not been idle for longer than any honest job takes: a core that has nothing to do looks at
    /// the clock every 100 ms.
    pub fn is_stuck(&self) -> bool {
        let silence = self.heartbeat_age_ns.or(self.uptime_ns);
        let live = matches!(
            self.state,
            State::Starting | State::Running | State::Stopping
        );
        live && silence.is_none_or(|silence| silence >= STUCK_NS)
    }

    /// Reads a region at a time of CLOCK_MONOTONIC, ns.
    pub fn read(
        place: String,
        cpu: Option<u32>,
        returned: Option<bool>,
        region: &Region<'_>,
        now: u64,
    ) -> Self {
        let header = region.header();
        let found = header.state.get();
        // A core whose CPU was taken from it does nothing, whatever it said last.
        let state = match found {
            State::Crashed => found,
            _ if returned == Some(true) => State::Offline,
            _ => found,
        };
        let core = region.core();
        let scale = header.time.read();
        let live = matches!(state, State::Running | State::Stopping);
        let since = |cycles: &AtomicU64| {
            let (cycles, scale) = (cycles.load(Relaxed), scale.as_ref()?);
            (live && cycles > 0).then(|| now.saturating_sub(scale.monotonic_ns(cycles)))
        };
        let ns = |cycles| in_ns(scale.as_ref(), cycles);
        let stack = (
            core.stack_used.load(Relaxed),
            core.stack_bytes.load(Relaxed),
        );
        Self {
            place,
            cpu,
            state,
            returned,
            epoch: header.state.epoch(),
            uptime_ns: since(&core.tick_zero),
            heartbeat_age_ns: since(&core.heartbeat),
            crash: (state == State::Crashed).then(|| header.crash.read().as_str().to_owned()),
            poll_refused: core.poll_refused.load(Relaxed) != 0,
            stack: (stack.1 > 0).then_some(stack),
            strays: core.strays.load(Relaxed),
            nmis: core.nmis.load(Relaxed),
            gaps: (core.gaps.load(Relaxed), ns(core.gap_max.load(Relaxed))),
            services: services(region),
            tasks: region
                .tasks()
                .iter()
                .map(|task| TaskFacts {
                    worst: worst(task, region.tasks(), scale.as_ref()),
                    ..task_facts(task, scale.as_ref())
                })
                .collect(),
        }
    }
}

fn services(region: &Region<'_>) -> Vec<ServiceFacts> {
    let facts = |entry: &offsched_abi::region::ServiceEntry| {
        let channels = region.channels().iter().skip(entry.first_channel as usize);
        let channels = channels.take(entry.clients as usize);
        ServiceFacts {
            name: entry.name().to_owned(),
            channels: entry.clients,
            taken: channels
                .filter(|channel| channel.load().0 != Phase::Free)
                .count() as u32,
            messages: (entry.rx_size, entry.tx_size),
            types: [entry.rx_type, entry.tx_type],
        }
    };
    region.services().iter().map(facts).collect()
}

fn task_facts(task: &TaskTelemetry, scale: Option<&TimeScale>) -> TaskFacts {
    let read = |counter: &AtomicU64| counter.load(Relaxed);
    let max = read(&task.lateness_max);
    let measured = task.lateness_raw().any(|(_, count)| count > 0);
    let at = |q| in_ns(scale, quantile(task.lateness_raw(), q, max));
    TaskFacts {
        name: task.name.get().as_str().to_owned(),
        releases: read(&task.releases),
        completions: read(&task.completions),
        misses: read(&task.misses),
        overruns: read(&task.overruns),
        not_run: read(&task.skipped) + read(&task.rejected),
        dropped: read(&task.dropped),
        lateness: measured.then(|| Quantiles {
            p50: at(0.5),
            p99: at(0.99),
            max: in_ns(scale, max),
        }),
        execution_max_ns: in_ns(scale, read(&task.execution_max)),
        worst: None,
    }
}

/// A task's autopsy. A few tries, should the core be writing just now.
fn worst(
    task: &TaskTelemetry,
    tasks: &[TaskTelemetry],
    scale: Option<&TimeScale>,
) -> Option<Worst> {
    let words = (0..100).find_map(|_| task.worst.read())?;
    let found = Autopsy::from_words(words);
    let name = |index: u16| match (index, tasks.get(usize::from(index))) {
        (NO_TASK, _) => None,
        (IDLE_TASK, _) => Some("idle".to_owned()),
        (_, Some(task)) => Some(task.name.get().as_str().to_owned()),
        (_, None) => Some(format!("task {index}")),
    };
    let ns = |cycles| in_ns(scale, cycles);
    let ran = found.ran.into_iter();
    Some(Worst {
        late: ns(found.start.saturating_sub(found.release)),
        response: ns(found.end.saturating_sub(found.release)),
        ran: ran
            .filter_map(|(index, cycles)| Some((name(index)?, ns(cycles))))
            .collect(),
        holder: name(found.holder),
        gap: ns(found.gap),
        unknown: ns(found.unknown),
    })
}

/// Without a scale there are no figures to speak of either.
fn in_ns(scale: Option<&TimeScale>, cycles: u64) -> u64 {
    scale.map_or(0, |scale| scale.cycles_to_ns(cycles))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autopsy_is_read_with_the_names_of_its_tasks() {
        let tasks: [TaskTelemetry; 2] = Default::default();
        tasks[1].name.set("long");
        let scale = TimeScale::new(2_000_000_000, 0, 0);
        let read = || worst(&tasks[0], &tasks, scale.as_ref());
        assert_eq!(read(), None);
        let autopsy = Autopsy {
            release: 1_000,
            start: 5_000,
            end: 9_000,
            gap: 200,
            unknown: 100,
            holder: IDLE_TASK,
            // An image can say what it likes.
            ran: [(1, 3_000), (7, 2), (NO_TASK, 0)],
        };
        tasks[0].worst.write(autopsy.to_words());
        let expected = Worst {
            late: 2_000,
            response: 4_000,
            ran: vec![("long".into(), 1_500), ("task 7".into(), 1)],
            holder: Some("idle".into()),
            gap: 100,
            unknown: 50,
        };
        assert_eq!(read(), Some(expected));
    }
}
