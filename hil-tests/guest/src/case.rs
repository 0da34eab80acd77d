//! Cases and how they end.

use std::path::Path;
use std::process::ExitCode;

use crate::Outcome;
use crate::kernel_log::KernelLog;
use crate::rig::Rig;

/// Something to try, with a name.
pub struct Case {
    pub name: String,
    need: Need,
    run: Box<dyn Fn(&Rig) -> Outcome>,
}

/// What a case cannot do without.
enum Need {
    Nothing,
    /// So many processors.
    Cpus(u32),
    /// A file.
    File(&'static str),
    /// A file beside the images.
    Part(&'static str),
    /// Somebody who looks into the machine from outside.
    Harness,
}

impl Case {
    pub fn new(name: impl Into<String>, run: impl Fn(&Rig) -> Outcome + 'static) -> Self {
        Self {
            name: name.into(),
            need: Need::Nothing,
            run: Box::new(run),
        }
    }

    /// Left out where there are fewer processors.
    pub fn with_cpus(mut self, cpus: u32) -> Self {
        self.need = Need::Cpus(cpus);
        self
    }

    /// Left out where there is no such file.
    pub fn with_file(mut self, path: &'static str) -> Self {
        self.need = Need::File(path);
        self
    }

    /// Left out where this did not come with the cases.
    pub fn with_part(mut self, name: &'static str) -> Self {
        self.need = Need::Part(name);
        self
    }

    /// Left out where there is no harness around the machine.
    pub fn with_harness(mut self) -> Self {
        self.need = Need::Harness;
        self
    }

    /// Why it cannot run here.
    fn obstacle(&self, rig: &Rig) -> Option<String> {
        match self.need {
            Need::Cpus(cpus) if rig.cpus < cpus => {
                Some(format!("{} of {cpus} processors", rig.cpus))
            }
            Need::File(path) if !Path::new(path).exists() => Some(format!("no {path}")),
            Need::Part(name) if !rig.file(name).exists() => Some(format!("no {name}")),
            Need::Harness if !rig.harness => Some("nobody looks from outside".to_owned()),
            _ => None,
        }
    }
}

/// Prints how cases end.
pub struct Report {
    failed: bool,
    kernel: KernelLog,
}

impl Report {
    pub fn new() -> Self {
        Self {
            failed: false,
            kernel: KernelLog::open(),
        }
    }

    pub fn run(&mut self, case: &Case, rig: &Rig) {
        match case.obstacle(rig) {
            Some(why) => println!("skip {}: {why}", case.name),
            None => self.outcome(&case.name, (case.run)(rig)),
        }
    }

    /// A case passes if the kernel had nothing to complain of either.
    pub fn outcome(&mut self, name: &str, outcome: Outcome) {
        let complaints = self.kernel.complaints();
        let why = match (outcome, complaints.is_empty()) {
            (Ok(()), true) => return println!("pass {name}"),
            (Err(why), true) => why,
            (Ok(()), false) => format!("the kernel's log:\n{complaints}"),
            (Err(why), false) => format!("{why}\nthe kernel's log:\n{complaints}"),
        };
        self.failed = true;
        println!("fail {name}: {}", why.replace('\n', "\n  | "));
    }

    pub fn done(self) -> ExitCode {
        println!("done");
        if self.failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}
