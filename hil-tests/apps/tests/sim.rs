//! Every app in virtual time.

mod common;

use std::path::Path;

use offsched::{App, ExtU64, Outcome};
use offsched_sim::{Config, run};

/// Longer than any app runs.
const LENGTH_MS: u64 = 60_000;

/// A turn of an idle function and a pause in a wait loop take 10 us of virtual time: fewer of them make up a second.
const TURN_CYCLES: u64 = 10_000;

#[track_caller]
fn check<A: App>(app: &str) {
    let mut config = Config::new(LENGTH_MS.millis());
    config.costs.idle_turn = TURN_CYCLES;
    config.quantum = TURN_CYCLES;
    let run = run::<A>(&config).unwrap();
    assert!(
        run.violations.is_empty() && run.left_on_stack == 0,
        "{:?}",
        run.violations
    );
    let outcome = match run.outcome {
        Outcome::Stopped => common::STOPPED.to_owned(),
        Outcome::Missed(task) => common::missed(run.names.tasks[usize::from(task)]),
    };
    if std::env::var_os("OFFSCHED_BLESS").is_some_and(|value| value == "1") {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected");
        std::fs::write(
            folder.join(format!("{app}.txt")),
            format!("{}-- {outcome}\n", run.console),
        )
        .unwrap();
    }
    common::compare(app, &run.console, &outcome);
}

macro_rules! test {
    ($app:ident) => {
        #[test]
        fn $app() {
            check::<offsched_apps::$app::App>(stringify!($app));
        }
    };
}

offsched_apps::for_each_app!(test);
