//! Every app on a core thread, in real time: the same output.

mod common;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use offsched::abi::channel::ChannelView;
use offsched::{App, Memory};
use offsched_hosted::{Boundary, Config, Outcome, Telemetry, spawn};

/// More than any app prints, in bytes.
const CONSOLE_BYTES: usize = 64 * 1024;

/// Ordinary telemetry, and a console that keeps what is written.
///
/// Lines come from jobs inside a signal handler too, so there is no lock and
/// no heap: a writer takes its bytes' place with one step and fills it.
struct Recorder {
    telemetry: Telemetry,
    bytes: Vec<AtomicU8>,
    used: AtomicUsize,
}

impl Recorder {
    fn new<A: App>() -> Self {
        Self {
            telemetry: Telemetry::of::<A>(),
            bytes: (0..CONSOLE_BYTES).map(|_| AtomicU8::new(0)).collect(),
            used: AtomicUsize::new(0),
        }
    }

    fn text(&self) -> String {
        let used = self.used.load(SeqCst).min(CONSOLE_BYTES);
        String::from_utf8(
            self.bytes[..used]
                .iter()
                .map(|byte| byte.load(SeqCst))
                .collect(),
        )
        .unwrap()
    }
}

impl Boundary for Recorder {
    fn memory(&self) -> Memory<'_> {
        self.telemetry.memory()
    }

    fn channels(&self) -> Vec<ChannelView<'_>> {
        self.telemetry.channels()
    }

    fn console(&self, bytes: &[u8]) {
        let place = self.used.fetch_add(bytes.len(), SeqCst);
        for (to, from) in self.bytes.iter().skip(place).zip(bytes) {
            to.store(*from, SeqCst);
        }
    }
}

/// Where this program claims CPUs: it takes turns with itself, and not with cores of other programs.
fn runtime_dir() -> PathBuf {
    std::env::temp_dir().join(format!("offsched-apps-{}", std::process::id()))
}

#[track_caller]
fn check<A: App>(app: &str) {
    /// One core at a time: two that poll on one CPU would only wait for each other.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = Arc::new(Recorder::new::<A>());
    let config = Config {
        runtime_dir: Some(runtime_dir()),
        ..Config::default()
    };
    let outcome = match spawn::<A>(config, Some(recorder.clone())).unwrap().join() {
        Outcome::Stopped => common::STOPPED.to_owned(),
        Outcome::Missed { task } => common::missed(task),
        Outcome::Crashed { message, task } => panic!(
            "crashed in {task:?}: {message}; printed:\n{}",
            recorder.text()
        ),
    };
    common::compare(app, &recorder.text(), &outcome);
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
