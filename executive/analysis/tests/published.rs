//! Task sets from the literature, with the response times that their authors give.
//!
//! The units of the publications differ; here one of their units is 1 ms, so that halves and quarters stay whole
//! nanoseconds. The recurrences are written out where they are short.

use offsched_analysis::{Report, Task, TaskSet, Verdict};

const UNIT_US: u64 = 1_000;
const UNIT_NS: u64 = 1_000_000;

/// Tasks as (interval, budget), the most urgent first, with deadlines equal to intervals.
fn set(tasks: &[(f64, f64)]) -> TaskSet {
    let mut set = TaskSet::new(0);
    for (i, &(interval, budget)) in tasks.iter().enumerate() {
        let interval_us = (interval * UNIT_US as f64) as u64;
        let task = Task::new(format!("t{}", i + 1), (tasks.len() - i) as u8)
            .every_us(interval_us)
            .deadline_us(interval_us)
            .budget_ns((budget * UNIT_NS as f64) as u64);
        set.tasks.push(task);
    }
    set
}

/// The bounds in the publication's unit.
fn bounds(report: &Report) -> Vec<f64> {
    let unit = |ns: u128| ns as f64 / UNIT_NS as f64;
    let bound = |t: &offsched_analysis::TaskReport| unit(t.bound_ns().expect("a bound"));
    report.tasks.iter().map(bound).collect()
}

/// Liu & Layland, "Scheduling algorithms for multiprogramming in a hard-real-time environment", JACM 20(1), 1973,
/// section 4: T = 2, 5. With C1 = 1 the second task's C2 may grow from 1 to 2, and no further, under rate-monotonic
/// order; in the opposite order neither C may grow beyond 1.
#[test]
fn liu_layland_1973_two_tasks() {
    // w2 = 2 + ceil(w2/2): 2, 3, 4, 4.
    let report = set(&[(2., 1.), (5., 2.)]).analyse();
    assert_eq!(bounds(&report), [1., 4.]);
    assert!(report.is_schedulable());
    let report = set(&[(2., 1.), (5., 2.001)]).analyse();
    assert_eq!(report.task("t2").unwrap().verdict, Verdict::Misses);

    assert!(set(&[(5., 1.), (2., 1.)]).analyse().is_schedulable());
    assert!(!set(&[(5., 1.001), (2., 1.)]).analyse().is_schedulable());
    assert!(!set(&[(5., 1.), (2., 1.001)]).analyse().is_schedulable());
}

/// Sha & Goodenough, "Real-time scheduling theory and Ada", IEEE Computer 23(4), 1990: T = 100, 150, 350 and
/// C = 40, 40, 100. The set is above the utilisation bound, yet the third task's first job is done at 300.
#[test]
fn sha_goodenough_1990() {
    // w3: 100, 180, 2*40+2*40+100 = 260, 3*40+2*40+100 = 300, 300.
    let report = set(&[(100., 40.), (150., 40.), (350., 100.)]).analyse();
    assert_eq!(bounds(&report), [40., 80., 300.]);
    assert!(report.is_schedulable());
}

/// Lehoczky, "Fixed priority scheduling of periodic task sets with arbitrary deadlines", RTSS 1990, example:
/// C1 = 26, T1 = 70; C2 = 62, T2 = 100. The jobs of the busy period respond in 114, 102, 116, 104, 118, 106, 94.
#[test]
fn lehoczky_1990_arbitrary_deadlines() {
    let mut set = set(&[(70., 26.), (100., 62.)]);
    set.tasks[1].deadline_us = Some(118 * UNIT_US);
    let report = set.analyse();
    assert_eq!(bounds(&report), [26., 118.]);
    assert!(report.is_schedulable());
    set.tasks[1].deadline_us = Some(117 * UNIT_US);
    assert!(!set.analyse().is_schedulable());
}

/// Burns & Wellings, "Real-Time Systems and Programming Languages", the chapter on scheduling: T = 7, 12, 20 and
/// C = 3, 3, 5, with the recurrence of the third task worked out as 5, 11, 14, 17, 20, 20.
#[test]
fn burns_wellings_process_set_with_three_steps() {
    let report = set(&[(7., 3.), (12., 3.), (20., 5.)]).analyse();
    assert_eq!(bounds(&report), [3., 6., 20.]);
    assert!(report.is_schedulable());
}

/// Burns & Wellings, the same chapter: T = 80, 40, 20 and C = 40, 10, 5. Full utilisation, beyond the utilisation
/// bound, and still R = 80, 15, 5.
#[test]
fn burns_wellings_process_set_at_full_utilisation() {
    let report = set(&[(20., 5.), (40., 10.), (80., 40.)]).analyse();
    assert_eq!(bounds(&report), [5., 15., 80.]);
    assert!(report.is_schedulable());
}

/// Buttazzo, "Hard Real-Time Computing Systems", the worked example of response-time analysis under deadline-monotonic
/// order: C = 1, 1, 2, 1; T = 4, 5, 6, 11; D = 3, 4, 5, 10. R4 is reached by 5, 6, 7, 9, 10.
#[test]
fn buttazzo_deadline_monotonic() {
    let mut set = set(&[(4., 1.), (5., 1.), (6., 2.), (11., 1.)]);
    for (task, deadline) in set.tasks.iter_mut().zip([3, 4, 5, 10]) {
        task.deadline_us = Some(deadline * UNIT_US);
    }
    let report = set.analyse();
    assert_eq!(bounds(&report), [1., 2., 4., 10.]);
    assert!(report.is_schedulable());
}

/// Liu, "Real-Time Systems", 2000, time-demand analysis: (3, 1), (5, 1.5), (7, 1.25), (9, 0.5) respond in at most
/// 1, 2.5, 4.75 and 9.
#[test]
fn liu_2000_time_demand() {
    // w4: .5, 4.25, 5.25, 6.75, 7.75, 3*1+2*1.5+2*1.25+.5 = 9, 9.
    let report = set(&[(3., 1.), (5., 1.5), (7., 1.25), (9., 0.5)]).analyse();
    assert_eq!(bounds(&report), [1., 2.5, 4.75, 9.]);
}

/// Buttazzo, "Hard Real-Time Computing Systems", the chapter on resource access: four tasks whose longest critical
/// sections on three semaphores are (1, 2, 0), (0, 9, 3), (8, 7, 0), (6, 5, 4). Under the priority ceiling protocol
/// (Sha, Rajkumar & Lehoczky 1990) and the stack resource policy (Baker 1991) alike, B = 9, 8, 6, 0.
#[test]
fn buttazzo_blocking_under_ceilings() {
    // Ceilings: A = 4, B = 4, C = 3 (levels). B1 = max(9; 8, 7; 6, 5), B2 = max(8, 7; 6, 5, 4), B3 = max(6, 5, 4).
    let sections = [[1, 2, 0], [0, 9, 3], [8, 7, 0], [6, 5, 4]];
    let mut set = set(&[(1e3, 20.), (1e3, 20.), (1e3, 20.), (1e3, 20.)]);
    for (task, sections) in set.tasks.iter_mut().zip(sections) {
        for (name, length) in ["A", "B", "C"].into_iter().zip(sections) {
            if length > 0 {
                *task = task.clone().locks(name, Some(length * UNIT_NS));
            }
        }
    }
    let report = set.analyse();
    let levels = ["A", "B", "C"].map(|r| report.ceiling(r).unwrap());
    assert_eq!(levels, [4, 4, 3]);
    let blocking = |t: &offsched_analysis::TaskReport| t.blocking.as_ref().map_or(0, |b| b.ns);
    let blocking: Vec<u64> = report.tasks.iter().map(blocking).collect();
    assert_eq!(blocking, [9, 8, 6, 0].map(|b| b * UNIT_NS));
    assert_eq!(bounds(&report), [29., 48., 66., 80.]);
}
