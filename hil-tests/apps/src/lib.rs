//! Example apps: each shows one thing, and is its own test.
//!
//! An app names no port. The tests run every one of them in virtual time and
//! on a real core, and compare what it prints with `expected/<name>.txt`;
//! `OFFSCHED_BLESS=1 cargo test -p offsched-apps --test sim` writes those files
//! anew.
//!
//! So no app prints a time, and none depends on how fast the machine is: who
//! runs before whom follows from priorities, locks and messages alone, or from
//! distances of a tenth of a second and more.
//!
//! | app | shows |
//! | --- | --- |
//! | [`preempt`] | a more urgent task runs inside the one that spawned it |
//! | [`interrupt`] | a release preempts a job that is busy |
//! | [`lock`] | a lock delays whoever could want the resource, and nobody above |
//! | [`message`] | messages arrive in order; a full inbox gives them back |
//! | [`schedule`] | jobs for later, and taking one back |
//! | [`pace`] | the least interval holds back a burst |
//! | [`periodic`] | periods and offsets |
//! | [`on_miss_count`], [`on_miss_skip`], [`on_miss_stop`] | what a missed deadline does |
//! | [`resources`] | local, shared and read-only resources |
//! | [`delay`] | a driver's delay, and who preempts it |
//! | [`idle`] | what the core does when there is nothing to do |
//! | [`services`] | a service included twice |
//! | [`stop`] | how a core ends |
//! | [`sample`] | all of it in twenty lines; runs until it is stopped, so no test compares it |
#![no_std]
#![forbid(unsafe_code)]

pub mod delay;
pub mod idle;
pub mod interrupt;
pub mod lock;
pub mod message;
pub mod on_miss_count;
pub mod on_miss_skip;
pub mod on_miss_stop;
pub mod pace;
pub mod periodic;
pub mod preempt;
pub mod resources;
pub mod sample;
pub mod schedule;
pub mod services;
pub mod stop;

/// Calls a macro once for each app, with its name: so that every port runs all of them.
#[macro_export]
macro_rules! for_each_app {
    ($call:ident) => {
        $call!(delay);
        $call!(idle);
        $call!(interrupt);
        $call!(lock);
        $call!(message);
        $call!(on_miss_count);
        $call!(on_miss_skip);
        $call!(on_miss_stop);
        $call!(pace);
        $call!(periodic);
        $call!(preempt);
        $call!(resources);
        $call!(schedule);
        $call!(services);
        $call!(stop);
    };
}
