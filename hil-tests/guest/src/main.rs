//! Runs the cases on the kernel's device, inside a guest or on a lab machine.
//!
//! `offsched-guest FOLDER [CPU]`: the folder has `images/` (ELF files) and
//! `expected/` (what the example apps print). One line for each case, on the
//! standard output: `pass NAME`, or `fail NAME: why`; figures as
//! `note TEXT`; at the end `done`.
#![deny(unsafe_code)]

mod apps;
mod channels;
mod drills;
mod hostile;
mod logs;
mod loops;
mod node;
mod raw;
mod records;
mod rig;

use std::path::PathBuf;
use std::process::ExitCode;

use rig::Rig;

/// How a case ends; an error says what went wrong.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: offsched-guest FOLDER [CPU]");
        return ExitCode::FAILURE;
    };
    match folder.as_str() {
        channels::HOLD => return channels::hold(),
        node::TOUCH => return node::touch(),
        _ => {}
    }
    let cpu = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let rig = Rig::new(PathBuf::from(folder), cpu);
    let mut report = Report::default();
    apps::run(&rig, &mut report);
    drills::run(&rig, &mut report);
    records::run(&rig, &mut report);
    logs::run(&rig, &mut report);
    hostile::run(&rig, &mut report);
    channels::run(&rig, &mut report);
    node::run(&rig, &mut report);
    loops::run(&rig, &mut report);
    println!("done");
    if report.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Prints how cases end.
#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn case(&mut self, name: &str, case: impl FnOnce() -> Outcome) {
        match case() {
            Ok(()) => println!("pass {name}"),
            Err(why) => {
                self.failed = true;
                println!("fail {name}: {}", why.replace('\n', "\n  | "));
            }
        }
    }
}
