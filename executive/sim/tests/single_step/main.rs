//! An interrupt after every single instruction of the executive's paths.
//!
//! The processor's trap flag makes each instruction end in a signal; its handler plays the port's timer. In run k the
//! clock jumps to a more urgent task's release after the k-th instruction. The signal's handler calls the executive on
//! the very stack that it interrupted, as the hosted port's timer does.
//!
//! Unoptimised code has several times the instructions, and the work is their square, so by default some are left out.
//! `OFFSCHED_STRIDE=1` leaves out none.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod jobs;
mod scene;
#[path = "../common/table.rs"]
mod table;
mod trap;

use std::sync::{Mutex, MutexGuard, PoisonError};

use scene::{Injection, Result, Scene, run};

/// The scenes share the statics of one image, and the process has one handler.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn one_at_a_time() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many traps a scene and mode are taken by default. A trap is 1 us on a bare kernel, but 30 us in some sandboxes.
const TRAPS: u64 = 10_000;

fn stride(instructions: u64) -> u64 {
    let given = std::env::var("OFFSCHED_STRIDE")
        .ok()
        .map(|text| text.parse().expect("a number"));
    given
        .unwrap_or((instructions * instructions / 2).div_ceil(TRAPS))
        .max(1)
}

fn sweep(scene: Scene) {
    let _one = one_at_a_time();
    let quiet = run(scene, None);
    assert!(
        quiet.steps > 20,
        "only {} instructions were stepped over",
        quiet.steps
    );
    assert!(!quiet.top_in_time && !quiet.heard && quiet.broken == 0);
    let stride = stride(quiet.steps);
    for at_once in [false, true] {
        let mut runs = 0;
        // Each mode starts elsewhere, so that two strides cover more.
        let first = 1 + u64::from(at_once) * stride / 2;
        for step in (first..=quiet.steps).step_by(stride as usize) {
            let found = run(scene, Some(Injection { step, at_once }));
            // The clock has jumped, so fewer or more steps were taken; everything else is as without the jump.
            let expected = Result {
                steps: found.steps,
                top_in_time: true,
                ..quiet
            };
            assert_eq!(
                found, expected,
                "{scene:?}, after instruction {step} of {}, at once: {at_once}",
                quiet.steps
            );
            runs += 1;
        }
        println!(
            "{scene:?}: {} instructions, {runs} runs, at once: {at_once}",
            quiet.steps
        );
    }
}

#[test]
fn a_spawn_upwards() {
    sweep(Scene::SpawnUp);
}

#[test]
fn a_spawn_under_a_least_interval() {
    sweep(Scene::SpawnPaced);
}

#[test]
fn a_lock_that_nothing_waits_for() {
    sweep(Scene::Lock);
}

#[test]
fn a_lock_that_a_spawn_waits_for() {
    sweep(Scene::LockPending);
}

#[test]
fn a_periodic_job_from_alarm_to_end() {
    sweep(Scene::Periodic);
}

#[test]
fn a_spawn_at_that_comes_and_one_that_is_cancelled() {
    sweep(Scene::SpawnAt);
}

/// A doorbell while the executive took the word of the one before, or looked for it in vain, was forgotten.
#[test]
fn a_doorbell_is_heard_whenever_it_comes() {
    let _one = one_at_a_time();
    let steps = run(Scene::Doorbell, None).steps;
    assert!(steps > 20, "only {steps} instructions were stepped over");
    // The window was one instruction wide, so none is left out where the code is the real, optimised one.
    let stride = if cfg!(debug_assertions) {
        stride(steps)
    } else {
        1
    };
    for step in (1..=steps).step_by(stride as usize) {
        let at_once = true;
        let found = run(Scene::Doorbell, Some(Injection { step, at_once }));
        assert!(
            found.heard && found.broken == 0,
            "after instruction {step} of {steps}: {found:?}"
        );
    }
}

#[test]
fn the_idle_loop() {
    sweep(Scene::Idle);
}
