//! `offsched demo`: a core with the timer service, an application that uses it,
//! and Linux's own timers beside it.
//!
//! ```text
//! core thread (CPU of its own)      other CPUs
//!   app: timer service   <------->  device's server <--socket--> application
//!                                   timerfd, clock_nanosleep: a thread each
//!   telemetry  - - - - - - - - - -> view
//! ```

mod app;
mod client;
mod figures;
mod lateness;
mod linux;
mod report;
mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use offsched::App as _;
use offsched_hosted::{
    Boundary, Config, Outcome, Running, TimeFacts, allowed, confine_caller, spawn, warnings,
};
use offsched_hosted_device::{Around, device_for};
use offsched_socket::{Server, default_path};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::DemoOptions;
use crate::output::{Failure, note};
use app::{App, TICK, TICK_US};
use client::Application;
use figures::{Gaps, Tick, Timer};
use linux::Sampler;
use report::Report;
use view::View;

/// Up to this many seconds Linux's timers have a period of 100 us, above it of
/// 1 ms: either way at most 6 million samples each.
const SHORT_RUN_S: u64 = 600;

/// How long the demo sleeps before it looks whether to end.
const NAP: Duration = Duration::from_millis(50);

/// Runs the demo.
///
/// # Errors
/// [`Failure`]: what could not be done, in a line.
pub fn run(options: &DemoOptions) -> Result<(), Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))
            .map_err(|error| Failure::to("catch signals", error))?;
    }
    let stage = Stage::set(options)?;
    let mut view = View::new(options.json);
    let end = stage.begin + Duration::from_secs(options.seconds);
    let mut next = stage.begin + view.interval();
    while Instant::now() < end && !interrupted.load(Relaxed) && stage.goes_on() {
        std::thread::sleep(NAP.min(end.saturating_duration_since(Instant::now())));
        if Instant::now() >= next && Instant::now() < end {
            stage.publish_time();
            view.show(&stage.report(Timer::read_newest), options.seconds)?;
            next += view.interval();
        }
    }
    let report = stage.clear()?;
    view.finish(&report)
}

/// Everything that runs during the demo. Ends in the fields' order.
struct Stage {
    application: Application,
    timerfd: Sampler,
    nanosleep: Sampler,
    running: Running,
    around: Arc<Around>,
    _server: Server,
    tick: usize,
    warnings: Vec<String>,
    begin: Instant,
}

impl Stage {
    fn set(options: &DemoOptions) -> Result<Self, Failure> {
        let device = device_for::<App>(&[]).map_err(|error| Failure::Message(error.to_string()))?;
        let around = Arc::new(Around(device));
        let config = Config {
            cpu: options.cpu,
            ..Config::default()
        };
        let running = spawn::<App>(config, Some(Arc::clone(&around) as Arc<dyn Boundary>))?;
        let warnings = warn(&running);
        if !running.shares_cpu() {
            confine_caller(&allowed()?.without(running.cpu()))?;
        }
        let (handle, path) = (
            running.handle(),
            default_path(&format!("demo-cpu{}", running.cpu())),
        );
        let server = around
            .0
            .serve(&path, move |_channel| handle.doorbell())
            .map_err(|error| Failure::Message(error.to_string()))?;
        let period_us = if options.seconds <= SHORT_RUN_S {
            100
        } else {
            1_000
        };
        let thread = |error| Failure::to("start a measuring thread", error);
        Ok(Self {
            application: Application::start(path).map_err(thread)?,
            timerfd: Sampler::timerfd(period_us, options.seconds).map_err(thread)?,
            nanosleep: Sampler::nanosleep(period_us, options.seconds).map_err(thread)?,
            tick: App::image()
                .tasks
                .iter()
                .position(|task| task.name == TICK)
                .unwrap_or(0),
            running,
            around,
            _server: server,
            warnings,
            begin: Instant::now(),
        })
    }

    /// False if the core or the application has ended by itself.
    fn goes_on(&self) -> bool {
        self.running.outcome().is_none() && !self.application.has_failed()
    }

    fn publish_time(&self) {
        self.around.publish_time(&TimeFacts::take());
    }

    fn report(&self, timer: fn(&Sampler) -> Timer) -> Report {
        let (memory, time) = (self.around.memory(), self.running.time());
        Report {
            cpu: self.running.cpu(),
            shares_cpu: self.running.shares_cpu(),
            seconds: self.begin.elapsed().as_secs_f64(),
            tick_us: TICK_US,
            hz: time.hz,
            tick: Tick::read(&memory.tasks[self.tick], &time, TICK_US),
            gaps: Gaps::read(&memory, &time),
            timerfd: timer(&self.timerfd),
            nanosleep: timer(&self.nanosleep),
            traffic: self.application.traffic(),
            warnings: self.warnings.clone(),
        }
    }

    /// Ends everything, what uses the core first, and reads the last figures.
    fn clear(mut self) -> Result<Report, Failure> {
        let report = self.report(Timer::read);
        let application = self.application.finish();
        let measured = self.timerfd.finish().and(self.nanosleep.finish());
        let crashed = self.running.outcome();
        self.running.stop();
        match crashed {
            None => {}
            Some(Outcome::Stopped) => {
                return Err(Failure::Message("the core stopped by itself".to_owned()));
            }
            Some(outcome) => return Err(Failure::Message(format!("the core {outcome}"))),
        }
        self.running.join();
        application
            .map_err(|error| Failure::Message(format!("the application failed: {error}")))?;
        measured.map_err(|error| Failure::to("measure Linux's timers", error))?;
        Ok(report)
    }
}

/// Tells what makes the figures unrepresentative.
fn warn(running: &Running) -> Vec<String> {
    let found: Vec<String> = warnings(running.cpu(), false)
        .iter()
        .map(ToString::to_string)
        .collect();
    for warning in &found {
        note(&format!("warning: {warning}"));
    }
    found
}
