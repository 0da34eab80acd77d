//! What the cases work with: images by name, a core, and Linux's view of its CPU.

use std::fs;
use std::io::stdin;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use offsched_abi::header::State;
use offsched_device::{Device, DeviceState, ImageFile, Shared};
use rustix::fs::OFlags;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

use crate::Options;
use crate::raw::{self, Mapping};

/// Longer than any app runs.
const LENGTH: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(2);
pub const NODE: &str = "/dev/offsched";
/// The module, which is loaded already: where it came with the cases.
pub const MODULE: &str = "offsched.ko";

/// Where the images are and which CPU is theirs; how much to do.
#[derive(Clone)]
pub struct Rig {
    pub folder: PathBuf,
    pub cpu: u32,
    /// Processors of the machine.
    pub cpus: u32,
    /// Somebody answers questions.
    pub harness: bool,
    pub faults: u32,
    pub cycles: u32,
    pub calls: u32,
    pub kills: u32,
    pub seed: u64,
}

impl Rig {
    pub fn new(options: &Options) -> Self {
        Self {
            folder: options.folder.clone(),
            cpu: options.cpu,
            cpus: std::thread::available_parallelism().map_or(1, |n| n.get() as u32),
            harness: options.harness,
            faults: options.faults,
            cycles: options.cycles,
            calls: options.calls,
            kills: options.kills,
            seed: options.seed,
        }
    }

    /// The same for another CPU.
    pub fn on(&self, cpu: u32) -> Self {
        Self {
            cpu,
            ..self.clone()
        }
    }

    /// Asks the harness around this machine.
    pub fn ask(&self, question: &str) -> Result<String, String> {
        println!("ask {question}");
        let mut answer = String::new();
        match stdin().read_line(&mut answer) {
            Ok(1..) => Ok(answer.trim_end().to_owned()),
            Ok(0) => Err(format!("nobody answers `{question}`")),
            Err(error) => Err(format!("`{question}`: {error}")),
        }
    }

    /// A file that came with the cases.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A program that came with the cases.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.folder.join("bin").join(name))
    }

    pub fn image(&self, name: &str) -> Result<Vec<u8>, String> {
        read(&self.folder.join("images").join(name))
    }

    /// Names and texts of what the apps should print.
    pub fn expected(&self) -> Result<Vec<(String, String)>, String> {
        let folder = self.folder.join("expected");
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            found.push((name, String::from_utf8_lossy(&read(&path)?).into_owned()));
        }
        found.sort();
        Ok(found)
    }

    pub fn device(&self) -> Result<Device, String> {
        Device::open(Path::new(NODE), self.cpu).map_err(|error| format!("{NODE}: {error}"))
    }

    /// Loads and starts an image.
    pub fn start(&self, name: &str) -> Result<Offloaded<'_>, String> {
        self.start_limited(name, &[])
    }

    /// The same, with services that only these groups may bind.
    pub fn start_limited(
        &self,
        name: &str,
        limits: &[(&str, u32)],
    ) -> Result<Offloaded<'_>, String> {
        let file = self.image(name)?;
        let image = ImageFile::parse(&file).map_err(|error| error.to_string())?;
        self.start_image(&image, limits)
    }

    /// The same for one that is no file.
    pub fn start_image(
        &self,
        image: &ImageFile<'_>,
        limits: &[(&str, u32)],
    ) -> Result<Offloaded<'_>, String> {
        let device = self.device()?;
        let begin = Instant::now();
        device
            .load(self.cpu, image)
            .map_err(|error| format!("load: {error}"))?;
        let load = begin.elapsed();
        for (service, gid) in limits {
            let limited = device.limit(service, *gid);
            limited.map_err(|error| format!("limit: {error}"))?;
        }
        let shared = device.shared().map_err(|error| format!("map: {error}"))?;
        let begin = Instant::now();
        device.start().map_err(|error| format!("start: {error}"))?;
        Ok(Offloaded {
            rig: self,
            load,
            start: begin.elapsed(),
            device,
            shared,
            returned: false,
        })
    }

    /// Linux's switch of the CPU.
    pub fn online_file(&self) -> String {
        format!("/sys/devices/system/cpu/cpu{}/online", self.cpu)
    }

    /// Plain hot-plug: switches the CPU, and says how long that took.
    pub fn plug(&self, to: &str) -> Result<Duration, String> {
        let begin = Instant::now();
        fs::write(self.online_file(), to).map_err(|error| format!("online = {to}: {error}"))?;
        Ok(begin.elapsed())
    }

    /// That Linux has the CPU and runs programs on it.
    pub fn check_returned(&self) -> Result<(), String> {
        let text = read(Path::new(&self.online_file()))?;
        if text != b"1\n" {
            return Err(format!("CPU {} is not online", self.cpu));
        }
        let cpu = self.cpu as usize;
        let old = rustix::thread::sched_getaffinity(None)
            .map_err(|error| format!("affinity: {error}"))?;
        let mut only = CpuSet::new();
        only.set(cpu);
        sched_setaffinity(None, &only)
            .map_err(|error| format!("cannot go to CPU {cpu}: {error}"))?;
        let here = sched_getcpu();
        let mut back = old;
        back.set(0);
        sched_setaffinity(None, &back)
            .map_err(|error| format!("cannot leave CPU {cpu}: {error}"))?;
        if here == cpu {
            Ok(())
        } else {
            Err(format!("pinned to CPU {cpu}, yet on {here}"))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A core with an image on it; given back at the end, whatever happens.
pub struct Offloaded<'a> {
    rig: &'a Rig,
    pub device: Device,
    pub shared: Shared,
    /// How long LOAD and START took.
    pub load: Duration,
    pub start: Duration,
    returned: bool,
}

impl Offloaded<'_> {
    pub fn state(&self) -> Result<State, String> {
        Ok(self
            .shared
            .region()
            .map_err(|error| error.to_string())?
            .header()
            .state
            .get())
    }

    /// The core's header page, byte by byte.
    pub fn mapping(&self) -> Result<Mapping, String> {
        let handle = raw::open(OFlags::RDONLY).map_err(|error| format!("open: {error}"))?;
        raw::attach(&handle, self.rig.cpu).map_err(|error| format!("attach: {error}"))?;
        Mapping::new(&handle, 0, 4096, ProtFlags::READ, MapFlags::SHARED)
            .map_err(|error| format!("map: {error}"))
    }

    /// Waits for one of the states.
    pub fn wait(&self, wanted: &[State]) -> Result<State, String> {
        let begin = Instant::now();
        loop {
            let state = self.state()?;
            if wanted.contains(&state) {
                return Ok(state);
            }
            if begin.elapsed() > LENGTH {
                return Err(format!("still {state}; printed:\n{}", self.console()));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the image has printed something.
    pub fn wait_for_text(&self, text: &str) -> Result<(), String> {
        let begin = Instant::now();
        while !self.console().contains(text) {
            if begin.elapsed() > LENGTH {
                return Err(format!("has not printed `{text}`, but: {}", self.console()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// All that the image printed.
    pub fn console(&self) -> String {
        let mut bytes = vec![0; offsched_abi::console::CONSOLE_RING];
        let Ok(console) = self.shared.console() else {
            return String::new();
        };
        let read = console.read(&mut 0, &mut bytes);
        String::from_utf8_lossy(&bytes[..read.len]).into_owned()
    }

    /// The image's last words.
    pub fn crash(&self) -> Result<String, String> {
        let region = self.shared.region().map_err(|error| error.to_string())?;
        Ok(region.header().crash.read().as_str().to_owned())
    }

    /// Interrupts meant for nobody, and NMIs.
    pub fn counters(&self) -> Result<(u64, u64), String> {
        let core = self
            .shared
            .region()
            .map_err(|error| error.to_string())?
            .core();
        Ok((core.strays.load(Relaxed), core.nmis.load(Relaxed)))
    }

    /// The idle loop's last look at the clock: where it is from the region's start, and its value.
    pub fn heartbeat(&self) -> Result<(u64, u64), String> {
        let region = self.shared.region().map_err(|error| error.to_string())?;
        let start = (&raw const *region.header()).addr();
        let beat = &region.core().heartbeat;
        let offset = (&raw const *beat).addr() - start;
        Ok((offset as u64, beat.load(Relaxed)))
    }

    /// That the core runs and its idle loop moves on. For images with periodic tasks.
    pub fn check_alive(&self) -> Result<(), String> {
        let (_, before) = self.heartbeat()?;
        let begin = Instant::now();
        while self.heartbeat()?.1 == before {
            if begin.elapsed() > LENGTH {
                return Err(format!("the core is {} and stands still", self.state()?));
            }
            std::thread::sleep(LOOK);
        }
        match self.state()? {
            State::Running => Ok(()),
            state => Err(format!("the core is {state}: {}", self.crash()?)),
        }
    }

    /// Gives the CPU back and looks whether Linux has it.
    pub fn give_back(mut self) -> Result<(), String> {
        self.take()
    }

    /// The same; what the image has left can still be read.
    pub fn take(&mut self) -> Result<(), String> {
        self.returned = true;
        self.device
            .give_back()
            .map_err(|error| format!("return: {error}"))?;
        let state = self
            .device
            .status()
            .map_err(|error| format!("status: {error}"))?
            .state;
        if state != Some(DeviceState::Returned) {
            return Err(format!("the module says {state:?}"));
        }
        self.rig.check_returned()
    }
}

impl Drop for Offloaded<'_> {
    fn drop(&mut self) {
        if !self.returned {
            // The case has failed already; the next one will say if this did too.
            let _ = self.device.give_back();
        }
    }
}
