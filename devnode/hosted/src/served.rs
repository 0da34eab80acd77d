//! A core that runs, with its device served.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use offsched::App;
use offsched_hosted::{Boundary, Config, Outcome, Running, spawn};
use offsched_socket::{Device, DeviceError, Limit, Server};

use crate::around::{Around, device_for};

/// An app on a hosted core, served at a Unix socket. Dropping it stops the core and takes the
/// socket away.
pub struct Served {
    // First: nobody rings a core that is gone.
    _server: Server,
    running: Running,
    around: Arc<Around>,
}

/// Why an app is not served. Nothing runs then.
#[derive(Debug)]
pub enum Error {
    /// The device could not be made or served.
    Device(DeviceError),
    /// The core did not start.
    Core(offsched_hosted::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => error.fmt(f),
            Self::Core(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl Served {
    /// Starts the app on a hosted core and serves its device at `path`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn start<A: App>(config: Config, path: &Path) -> Result<Self, Error> {
        Self::start_limited::<A>(config, path, &[])
    }

    /// As [`start`](Self::start), with services that only some groups may bind.
    ///
    /// # Errors
    /// [`Error`].
    pub fn start_limited<A: App>(
        config: Config,
        path: &Path,
        limits: &[Limit],
    ) -> Result<Self, Error> {
        let around = Arc::new(Around(device_for::<A>(limits).map_err(Error::Device)?));
        let boundary = Arc::clone(&around) as Arc<dyn Boundary>;
        let running = spawn::<A>(config, Some(boundary)).map_err(Error::Core)?;
        let handle = running.handle();
        let server = around.0.serve(path, move |_channel| handle.doorbell());
        Ok(Self {
            _server: server.map_err(Error::Device)?,
            running,
            around,
        })
    }

    /// The core.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.around.0
    }

    /// Stops the core, waits for its end, and takes the socket away.
    pub fn stop(self) -> Outcome {
        self.running.stop();
        self.running.join()
    }
}
