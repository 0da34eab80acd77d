//! The hosted device for the drills.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use offsched_drills::stream::App;
use offsched_hosted::{Config, Outcome};
use offsched_hosted_device::{Error, Served};

/// Longest wait for a CPU that another core has: one that was just killed, or another test's.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves until the standard input ends.
///
/// # Errors
/// A sentence, if the core does not start or does not end as asked.
pub fn run(path: &Path) -> Result<(), String> {
    let begin = Instant::now();
    let served = loop {
        match Served::start::<App>(Config::default(), path) {
            Ok(served) => break served,
            Err(Error::Core(offsched_hosted::Error::CpuTaken { .. }))
                if begin.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    println!("serving");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    match served.stop() {
        Outcome::Stopped => Ok(()),
        other => Err(format!("the core {other}")),
    }
}
