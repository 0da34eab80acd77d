//! Linux's own timers, measured in threads of their own: `timerfd` and
//! `clock_nanosleep`.
//!
//! Both run in the normal scheduling class, as the core's thread does, on the
//! CPUs that the core leaves. Their timer slack is set to 1 ns, the best that
//! Linux does for an ordinary thread. Lateness is CLOCK_MONOTONIC at the first
//! instruction after the wait, less the time that was asked for; periods that
//! have gone by meanwhile are missed. The core's tick is counted the same way.

use std::io;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

use rustix::thread::{clock_nanosleep_absolute, set_current_timer_slack};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

use super::lateness::Samples;

/// A thread that measures one of Linux's timers.
#[derive(Debug)]
pub struct Sampler {
    samples: Arc<Samples>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
    period_us: u64,
}

impl Sampler {
    /// Measures a periodic timerfd.
    ///
    /// # Errors
    /// The system's, if there is no timer or no thread to be had.
    pub fn timerfd(period_us: u64, seconds: u64) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
        let period = period_us * 1_000;
        Self::start("timerfd", period_us, seconds, move |samples, stop| {
            let first = now() + period;
            let setting = Itimerspec {
                it_interval: timespec(period),
                it_value: timespec(first),
            };
            timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &setting)?;
            let mut due = first;
            while !stop.load(Relaxed) {
                let mut count = [0; 8];
                rustix::io::retry_on_intr(|| rustix::io::read(&timer, &mut count))?;
                let woken = now();
                let expired = u64::from_ne_bytes(count).max(1);
                samples.record(woken.saturating_sub(due));
                samples.miss(expired - 1);
                due += expired * period;
            }
            Ok(())
        })
    }

    /// Measures `clock_nanosleep` with TIMER_ABSTIME.
    ///
    /// # Errors
    /// The system's, if there is no thread to be had.
    pub fn nanosleep(period_us: u64, seconds: u64) -> io::Result<Self> {
        let period = period_us * 1_000;
        Self::start("nanosleep", period_us, seconds, move |samples, stop| {
            // Half a period away from the timerfd, so that the two do not wait for each other.
            let mut due = now() + period + period / 2;
            while !stop.load(Relaxed) {
                while clock_nanosleep_absolute(ClockId::Monotonic, &timespec(due))
                    == Err(rustix::io::Errno::INTR)
                {}
                let late = now().saturating_sub(due);
                samples.record(late);
                let passed = late / period;
                samples.miss(passed);
                due += (passed + 1) * period;
            }
            Ok(())
        })
    }

    fn start(
        name: &str,
        period_us: u64,
        seconds: u64,
        body: impl FnOnce(&Samples, &AtomicBool) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let capacity = usize::try_from(seconds * 1_000_000 / period_us + 1).unwrap_or(usize::MAX);
        let samples = Arc::new(Samples::with_capacity(capacity));
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, until) = (Arc::clone(&samples), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Without it the figures have up to 50 us of slack in them: worse, not wrong.
                let _ = set_current_timer_slack(NonZeroU64::new(1));
                body(&theirs, &until)
            })?;
        Ok(Self {
            samples,
            stop,
            thread: Some(thread),
            period_us,
        })
    }

    /// The time between expiries, us.
    pub fn period_us(&self) -> u64 {
        self.period_us
    }

    /// The samples so far.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Ends the thread after its current wait.
    ///
    /// # Errors
    /// What went wrong in it, if anything did.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stop.store(true, Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(io::Error::other("the measuring thread panicked")),
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

/// CLOCK_MONOTONIC, ns.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // Counted from boot: neither part is negative.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn timespec(nanos: u64) -> Timespec {
    Timespec {
        tv_sec: (nanos / 1_000_000_000) as i64,
        tv_nsec: (nanos % 1_000_000_000) as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_timers_give_samples_until_they_are_finished() {
        for start in [Sampler::timerfd, Sampler::nanosleep] {
            let mut sampler = start(1_000, 60).unwrap();
            while sampler.samples().copy().len() < 3 {
                std::thread::yield_now();
            }
            sampler.finish().unwrap();
            assert!(sampler.samples().copy().iter().any(|nanos| *nanos > 0));
        }
    }
}
