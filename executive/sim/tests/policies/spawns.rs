//! Spawning, now and later, and taking it back.

use std::sync::{Arc, Mutex};

use offsched::{ExtU64, Reason};
use offsched_sim::{Body, Config, Pattern, Random, SetTask, Step, TaskSet};

use super::common::timeline::Timeline;
use super::{starts, work};

#[test]
fn a_full_inbox_gives_the_message_back() {
    let mut set = TaskSet::default();
    let event = set.add(SetTask::event("event", 1, 0).capacity(3).does(work(1_000)));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let results = seen.clone();
    set.add(
        SetTask::periodic("top", 2, 1_000).does(vec![Step::call(move |body| {
            for message in 0..5 {
                results.lock().unwrap().push(
                    body.spawn(event, message)
                        .map_err(|refused| (refused.reason, refused.payload)),
                );
            }
        })]),
    );
    let run = set.run(&Config::new(900.micros())).unwrap();
    let full = |message| Err((Reason::Full, message));
    assert_eq!(
        *seen.lock().unwrap(),
        [Ok(()), Ok(()), Ok(()), full(3), full(4)]
    );
    let counted = run.counters(event);
    assert_eq!(
        (counted.releases, counted.completions, counted.rejected),
        (3, 3, 2)
    );
    let line = Timeline::of(&run, &set);
    let order: Vec<u64> = line
        .jobs
        .iter()
        .filter(|job| job.task == event)
        .map(|job| job.value)
        .collect();
    assert_eq!(order, [0, 1, 2]);
}

#[test]
fn a_least_interval_spaces_a_burst() {
    let mut set = TaskSet::default();
    let burst = Pattern::Burst {
        every_ns: 400_000,
        count: 4,
        offset_ns: 10_500,
    };
    set.add(
        SetTask::event("task", 1, 50)
            .capacity(4)
            .does(work(1_000))
            .arrives(burst),
    );
    let run = set.run(&Config::new(400.micros())).unwrap();
    // The first at once, the others from the next whole tick on.
    assert_eq!(
        starts(&run, 0),
        [10_500, 61_000, 111_000, 161_000],
        "{}",
        run.text()
    );
    assert_eq!(run.counters(0).postponed, 3);
}

/// Random spawns at ticks and cancellations by one job, against a list.
#[test]
fn spawn_at_and_cancel_do_what_a_list_does() {
    for seed in 0..500 {
        let mut set = TaskSet::default();
        let event = set.add(SetTask::event("event", 2, 0).capacity(8));
        let expected = Arc::new(Mutex::new(Vec::new()));
        let model = expected.clone();
        set.add(
            SetTask::periodic("driver", 1, 100_000).does(vec![Step::call(move |body| {
                drive(body, event, seed, &model)
            })]),
        );
        let run = set.run(&Config::new(20_000.micros())).unwrap();
        let line = Timeline::of(&run, &set);
        let mut found: Vec<(u64, u64)> = line
            .jobs
            .iter()
            .filter(|job| job.task == event)
            .map(|job| (job.start, job.value))
            .collect();
        found.sort_unstable();
        let mut expected = expected.lock().unwrap().clone();
        expected.sort_unstable();
        assert_eq!(found, expected, "seed {seed}\n{}", run.text());
    }
}

fn drive(body: &Body<'_>, event: u16, seed: u64, model: &Mutex<Vec<(u64, u64)>>) {
    let mut random = Random::new(seed);
    // What waits: its handle, its time in cycles, its message.
    let mut waiting = Vec::new();
    for message in 0..100 {
        match random.below(3) {
            0 | 1 => {
                let at = (body.now() / 1_000 + random.below(200)).saturating_sub(random.below(20));
                let free = 8 - waiting
                    .iter()
                    .filter(|(_, due, _): &&(_, u64, u64)| *due > body.now())
                    .count();
                let now = body.now();
                match body.spawn_at(event, at, message) {
                    Ok(handle) => {
                        assert!(free > 0, "accepted without room");
                        let due = (at * 1_000).max(now);
                        model.lock().unwrap().push((due, message));
                        waiting.push((handle, due, message));
                    }
                    Err(refused) => assert_eq!(
                        (refused.payload, refused.reason, free),
                        (message, Reason::Full, 0)
                    ),
                }
            }
            _ if !waiting.is_empty() => {
                let (handle, due, message) =
                    waiting.swap_remove(random.below(waiting.len() as u64) as usize);
                // At the very tick it has become ready.
                let waits = due > body.now();
                assert_eq!(
                    body.cancel(handle).ok(),
                    waits.then_some(message),
                    "due {due} now {}",
                    body.now()
                );
                if waits {
                    model.lock().unwrap().retain(|(_, other)| *other != message);
                }
            }
            _ => {}
        }
        body.work(random.below(30_000) | 1);
    }
}
