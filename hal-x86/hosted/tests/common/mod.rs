//! Apps of a few tasks without the attributes, and one core at a time.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use offsched::rt::{Job, Node, Release, State, Task};
use offsched::{Clock, Core, IdlePolicy, Image, OnMiss};
use offsched_hosted::Config;

/// A periodic task without a deadline: its jobs may take as long as a loaded machine needs.
pub fn periodic(name: &'static str, level: u8, period_us: u32, run: fn(&Core, Job)) -> Task {
    Task {
        name,
        level,
        release: Release::Periodic {
            period_us,
            offset_us: 0,
        },
        deadline: None,
        budget_ns: None,
        on_miss: OnMiss::Count,
        capacity: 1,
        measure: true,
        first_node: 0,
        run,
    }
}

/// What a task's function does first.
pub fn open(core: &Core, job: Job) {
    // SAFETY: the tests' task functions alone call this, first thing, with what the executive gave them; tasks without
    // a payload have no message to take.
    unsafe { job.open(core) };
}

/// The clock of a task's core.
pub fn clock(core: &Core) -> Clock<'_> {
    // SAFETY: the tests' task functions alone call this.
    unsafe { core.clock() }
}

/// An image with these tasks. Its tables live as long as the test.
pub fn image(core: &'static Core, name: &'static str, mut tasks: Vec<Task>) -> Image<'static> {
    let mut nodes = 0;
    for task in &mut tasks {
        task.first_node = nodes;
        nodes += task.nodes();
    }
    let states = tasks.iter().map(|_| State::new()).collect::<Vec<_>>();
    Image {
        name,
        core,
        nodes: (0..nodes).map(|_| Node::new()).collect::<Vec<_>>().leak(),
        states: states.leak(),
        tasks: tasks.leak(),
        channels: &[],
        init: |_| {},
        idle_policy: IdlePolicy::Poll,
        idle: None,
        drop: |_| {},
    }
}

/// Declares an app: its name, its tasks, and what differs from a plain image.
#[macro_export]
macro_rules! app {
    ($name:ident, [$($task:expr),* $(,)?] $(, $field:ident = $value:expr)*) => {
        struct $name;
        // SAFETY: the tables below belong together and to this app's core alone.
        unsafe impl offsched::App for $name {
            const NAME: &'static str = stringify!($name);
            fn image() -> &'static offsched::Image<'static> {
                static CORE: offsched::Core = offsched::Core::new();
                #[allow(unused_mut)]
                let mut image = common::image(&CORE, Self::NAME, vec![$($task),*]);
                $(image.$field = $value;)*
                Box::leak(Box::new(image))
            }
        }
    };
}

/// Gives a test the machine: two cores that poll on one CPU would only wait for each other.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A configuration with a runtime directory of this test program's own.
pub fn config() -> Config {
    Config {
        runtime_dir: Some(directory("own")),
        ..Config::default()
    }
}

/// A directory that only this test program uses.
pub fn directory(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("offsched-hosted-{}-{name}", std::process::id()))
}

/// Waits until something holds. The time is no measurement: it only keeps a
/// failing test from hanging.
#[track_caller]
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
