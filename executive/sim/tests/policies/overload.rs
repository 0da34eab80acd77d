//! Misses, overload and what the policies make of them.

use std::sync::Arc;
use std::sync::Mutex;

use offsched::{ExtU64, OnMiss, Outcome, Reason};
use offsched_sim::{Body, Config, Counters, Random, SetTask, Step, TaskSet};

use super::common::timeline::Timeline;
use super::{assert_in_order, work};

/// One periodic task alone: what it does with releases that find it busy, by the letter of its declaration.
struct Model {
    period: u64,
    deadline: u64,
    on_miss: OnMiss,
    capacity: u64,
}

impl Model {
    /// Starts (release times) and counters of jobs of these lengths, up to `end`.
    fn run(&self, lengths: &[u64], end: u64) -> (Vec<u64>, Counters) {
        let mut counters = Counters::default();
        let mut releases = Vec::new();
        let mut waiting = std::collections::VecDeque::from([0]);
        let (mut now, mut next) = (0, self.period);
        loop {
            let Some(release) = waiting.pop_front() else {
                if next >= end {
                    break;
                }
                now = now.max(next);
                waiting.push_back(next);
                next += self.period;
                continue;
            };
            let finish = now + lengths[releases.len()];
            releases.push(release);
            counters.releases += 1;
            counters.completions += 1;
            counters.misses += u64::from(finish - release > self.deadline);
            // Releases while it runs, each judged when it comes.
            let mut skipping = 0;
            while next < finish {
                if self.on_miss == OnMiss::Skip && next - release >= self.deadline {
                    skipping += 1 + waiting.len() as u64;
                    waiting.clear();
                } else {
                    waiting.push_back(next);
                    if waiting.len() as u64 > self.capacity {
                        waiting.pop_front();
                        counters.rejected += 1;
                    }
                }
                next += self.period;
            }
            counters.skipped += skipping;
            now = finish;
            if now >= end {
                break;
            }
        }
        (releases, counters)
    }
}

/// Skipped and refused together are the same; which of the two a release becomes depends on who looked when.
#[test]
fn overload_does_what_the_policy_says() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let on_miss = *random.pick(&[OnMiss::Count, OnMiss::Skip]);
        let period = random.between(20, 100);
        let deadline = random.between(period / 2, period * 2);
        let capacity = random.between(1, 3);
        let long = period * 1_000 * random.between(1, 6);
        let lengths: Arc<[u64]> = (0..200)
            .map(|_| {
                if random.chance(50) {
                    random.below(period * 800)
                } else {
                    random.below(long)
                }
            })
            .collect();
        let mut set = TaskSet::default();
        let own = lengths.clone();
        let script = vec![Step::call(move |body: &Body<'_>| {
            body.work(own[body.job() as usize])
        })];
        let task = SetTask::periodic("task", 2, period as u32)
            .deadline_us(deadline as u32)
            .on_miss(on_miss);
        set.add(task.capacity(capacity as u16).does(script));
        if random.chance(50) {
            // Whether anything more urgent looks in time must make no difference.
            set.add(SetTask::periodic(
                "look",
                3,
                random.between(1, 2 * period) as u32,
            ));
        }
        let run = set.run(&Config::new(3_000.micros())).unwrap();
        assert_in_order(&set, &run);
        let model = Model {
            period: period * 1_000,
            deadline: deadline * 1_000,
            on_miss,
            capacity,
        };
        let (releases, expected) = model.run(&lengths, 3_000_000);
        let line = Timeline::of(&run, &set);
        let found: Vec<u64> = line
            .jobs
            .iter()
            .filter(|job| job.task == 0)
            .map(|job| job.release)
            .collect();
        let counted = run.counters(0);
        assert_eq!(found, releases, "seed {seed} {on_miss:?}\n{}", run.text());
        assert_eq!(counted.misses, expected.misses, "seed {seed}");
        assert_eq!(
            counted.skipped + counted.rejected,
            expected.skipped + expected.rejected,
            "seed {seed} {on_miss:?}"
        );
        assert!(
            on_miss == OnMiss::Skip || counted.skipped == 0,
            "seed {seed}"
        );
    }
}

#[test]
fn a_miss_can_stop_the_core() {
    let mut set = TaskSet::default();
    set.add(SetTask::periodic("low", 1, 1_000).does(work(100_000)));
    let task = set.add(
        SetTask::periodic("task", 2, 100)
            .deadline_us(20)
            .on_miss(OnMiss::Stop)
            .does(vec![Step::call(|body| {
                body.work(if body.job() == 3 { 30_000 } else { 10_000 });
            })]),
    );
    set.add(SetTask::periodic("late", 1, 305).offset_us(305));
    let run = set.run(&Config::new(2_000.micros())).unwrap();
    assert_eq!(run.outcome, Outcome::Missed(task));
    assert_eq!(run.counters(task).misses, 1);
    assert_eq!(run.counters(task).completions, 4);
    // Nothing has started after the miss.
    assert_eq!(run.entries.last().unwrap().at, 330_000, "{}", run.text());
    assert_in_order(&set, &run);
}

#[test]
fn a_task_can_stop_the_core() {
    let mut set = TaskSet::default();
    set.add(SetTask::periodic("low", 1, 1_000).does(work(200_000)));
    set.add(SetTask::periodic("same", 1, 1_000).does(work(1)));
    let event = set.add(SetTask::event("event", 1, 0).does(work(1)));
    let seen = Arc::new(Mutex::new(None));
    let refused = seen.clone();
    set.add(SetTask::periodic("top", 2, 1_000).offset_us(50).does(vec![
        Step::Stop,
        Step::call(move |body| *refused.lock().unwrap() = body.spawn(event, 7).err()),
        Step::Work(1_000),
    ]));
    let run = set.run(&Config::new(2_000.micros())).unwrap();
    assert_eq!(run.outcome, Outcome::Stopped);
    // Jobs that run end; those that wait do not start; spawns are refused.
    assert_eq!(run.counters(0).completions, 1);
    assert_eq!(run.counters(1).completions, 0);
    assert_eq!(
        seen.lock()
            .unwrap()
            .take()
            .map(|refused| (refused.reason, refused.payload)),
        Some((Reason::NotRunning, 7))
    );
    assert_eq!(run.entries.last().unwrap().at, 201_000, "{}", run.text());
}
