//! What a guest is booted for: its cases, or one of those that end a boot.

use std::time::{Duration, Instant};

use crate::guest::{Guest, Next};
use crate::report::{Report, tail};

/// Boots in a row, each of which ends while a core runs. The last halts instead: a reset would hide what became of the core.
const BOOTS: u32 = 3;
/// Looks at a core whose Linux has panicked, and the time between them.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(500);
/// Until a kernel that was told to panic, or to halt, has.
const AT_ONCE: Duration = Duration::from_secs(60);

/// What a guest is booted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// All cases that leave Linux running.
    Cases,
    /// Those that tell how an idle core waits, where nothing says that there is a hypervisor: apps poll.
    Polling,
    /// Linux reboots while a core runs.
    Reboot,
    /// Linux panics while a core runs.
    Panic,
    /// Lockdown from the start: the module is not signed.
    LockedModule,
    /// Lockdown when the module is in: no image is loaded.
    LockedImage,
    /// The example apps, in counted time: what they print depends on tenths of a second, which a busy host may take.
    Apps,
    /// The deadlines of a core beside one that crashes, in counted time.
    Deadlines,
    /// The figures, in counted time.
    Timing,
}

impl Scenario {
    /// Those with a boot of their own; but for the first, each one case.
    pub const OWN_BOOT: [Self; 5] = [
        Self::Polling,
        Self::Reboot,
        Self::Panic,
        Self::LockedModule,
        Self::LockedImage,
    ];

    /// The case's name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cases => "cases",
            Self::Polling => "cores that poll",
            Self::Reboot => "reboot while a core runs",
            Self::Panic => "Linux panics, the core goes on",
            Self::LockedModule => "lockdown refuses the module",
            Self::LockedImage => "lockdown refuses an image",
            Self::Apps => "apps in counted time",
            Self::Deadlines => "deadlines beside a crash",
            Self::Timing => "timing",
        }
    }

    /// What the guest's program is told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cases => "cases",
            Self::Polling => "polling",
            Self::Reboot => "reboot",
            Self::Panic => "panic",
            Self::LockedModule => "locked-module",
            Self::LockedImage => "locked-image",
            Self::Apps => "apps",
            Self::Deadlines => "deadlines",
            Self::Timing => "timing",
        }
    }

    /// More about its processors than every guest's have.
    pub fn processor(self) -> &'static str {
        match self {
            // Else a polling app halts: no image of the other boots ever polls.
            Self::Polling => ",hypervisor=off",
            _ => "",
        }
    }

    /// What its kernel is told.
    pub fn kernel_words(self) -> &'static str {
        match self {
            Self::LockedModule => "lockdown=integrity",
            // It is to stay as the panic leaves it.
            Self::Panic => "panic=0",
            _ => "",
        }
    }

    /// True if the machine is to boot again.
    pub fn reboots(self) -> bool {
        self == Self::Reboot
    }

    /// Goes along with a guest until it has ended or is wanted no more.
    pub fn follow(self, guest: &mut Guest) -> Result<Report, String> {
        let mut report = Report::default();
        let mut boots = 0;
        loop {
            let line = match guest.next()? {
                Next::Line(line) => line,
                Next::Ended if report.complete => return Ok(report),
                Next::Ended => {
                    let (said, log) = (guest.said(), guest.kernel_log());
                    report.cut_short("ended before its cases did", &said, &log);
                    return Ok(report);
                }
                Next::Silence => {
                    report.cut_short("hangs", &guest.said(), &guest.kernel_log());
                    return Ok(report);
                }
            };
            if line == "ask reboot" {
                boots += 1;
                guest.answer(if boots < BOOTS { "reboot" } else { "halt" })?;
            } else if let Some(question) = line.strip_prefix("ask ") {
                let answer = answer(guest, question)?;
                guest.answer(&answer)?;
            } else if let Some(place) = line.strip_prefix("panics, watch ") {
                let outcome = watch(guest, place);
                report.case(self.title(), outcome);
                return Ok(report);
            } else if let Some(cpu) = line.strip_prefix("halts, watch ") {
                let outcome = see_parked(guest, cpu);
                report.case(self.title(), outcome);
                return Ok(report);
            } else {
                report.line(&line);
            }
        }
    }
}

fn answer(guest: &mut Guest, question: &str) -> Result<String, String> {
    let (what, cpu) = question.split_once(' ').unwrap_or((question, "0"));
    match (what, cpu.parse()) {
        ("low-pages", _) => guest.monitor.low_pages(),
        ("machine-check", Ok(cpu)) => guest.monitor.machine_check(cpu).map(|()| String::new()),
        _ => Err(format!("the guest asks for `{question}`: unknown")),
    }
}

/// Waits until the core is parked: of a machine that has halted, Linux's part of the end is all that was.
fn see_parked(guest: &mut Guest, cpu: &str) -> Result<(), String> {
    let Ok(cpu) = cpu.parse() else {
        return Err(format!("`{cpu}` is no CPU"));
    };
    let begin = Instant::now();
    while !guest.monitor.parked(cpu)? {
        if begin.elapsed() > AT_ONCE {
            return Err(format!(
                "CPU {cpu} is not parked; the kernel's last words:\n{}",
                tail(&guest.kernel_log())
            ));
        }
        std::thread::sleep(BETWEEN);
    }
    Ok(())
}

/// Waits for the panic, then looks whether the core's idle loop goes on.
fn watch(guest: &mut Guest, place: &str) -> Result<(), String> {
    let parsed = place
        .split_once(' ')
        .and_then(|(cpu, address)| Some((cpu.parse().ok()?, address.parse().ok()?)));
    let Some((cpu, address)) = parsed else {
        return Err(format!("`{place}` names no CPU and address"));
    };
    let begin = Instant::now();
    while !guest.kernel_log().contains("end Kernel panic") {
        if begin.elapsed() > AT_ONCE {
            return Err(format!(
                "no panic; the kernel's last words:\n{}",
                tail(&guest.kernel_log())
            ));
        }
        std::thread::sleep(BETWEEN);
    }
    let mut seen = guest.monitor.word(cpu, address)?;
    for look in 1..=LOOKS {
        std::thread::sleep(BETWEEN);
        let now = guest.monitor.word(cpu, address)?;
        if now == seen {
            return Err(format!("its heartbeat stands at {now} in look {look}"));
        }
        seen = now;
    }
    Ok(())
}
