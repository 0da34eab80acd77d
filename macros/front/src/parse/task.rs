//! The arguments of `#[task(..)]` and `#[idle(..)]`.

use proc_macro2::TokenStream;
use syn::{Error, Ident, Result};

use crate::ast::{ChannelUse, Idle, LEVEL_MAX, OnMiss, Release, Task, Uses};
use crate::errors::Errors;
use crate::parse::args::{Arg, split};
use crate::parse::signature::Signature;
use crate::time::Time;

/// Most jobs of one task that may wait.
const CAPACITY_MAX: u64 = 1024;

/// All arguments of a task.
const TASK_ARGS: [&str; 15] = [
    "priority",
    "period",
    "offset",
    "event",
    "channel",
    "min_interval",
    "deadline",
    "budget",
    "jitter",
    "on_miss",
    "capacity",
    "measure",
    "shared",
    "local",
    "channels",
];

/// The arguments as written, before they are held against each other.
#[derive(Default)]
pub struct Raw {
    pub priority: Option<u8>,
    pub period: Option<Time>,
    pub offset: Option<Time>,
    pub event: Option<Ident>,
    pub channel: Option<Ident>,
    pub min_interval: Option<Time>,
    pub deadline: Option<Time>,
    pub budget: Option<Time>,
    pub jitter: Option<Time>,
    pub on_miss: Option<(OnMiss, Ident)>,
    pub capacity: Option<(u16, Ident)>,
    pub measure: Option<bool>,
    pub uses: Uses,
}

/// Reads a task's attribute; its function's signature is already read.
pub fn task(tokens: TokenStream, signature: Signature, errors: &mut Errors) -> Task {
    let name = signature.name.clone();
    let args = split(tokens, "a task", &TASK_ARGS, errors);
    let given = |wanted: &str| args.has_unknown || args.known.iter().any(|a| a.name == wanted);
    if !given("priority") {
        errors.at(
            &name,
            format!("`{name}` needs a priority: write `priority = 1` (1..={LEVEL_MAX}, larger is more urgent)"),
        );
    }
    if !(given("period") || given("event") || given("channel")) {
        errors.at(
            &name,
            format!(
                "nothing releases `{name}`: write `period = 100us`, `event` or `channel = name`"
            ),
        );
    }
    let mut raw = Raw::default();
    for arg in &args.known {
        let result = raw.read(arg);
        errors.take(result);
    }
    raw.check(&signature, errors);
    raw.build(signature)
}

/// Reads the idle function's attribute.
pub fn idle(tokens: TokenStream, name: Ident, errors: &mut Errors) -> Idle {
    let mut raw = Raw::default();
    for arg in split(tokens, "idle", &["shared", "local", "channels"], errors).known {
        let result = raw.read(&arg);
        errors.take(result);
    }
    Idle {
        name,
        uses: raw.uses,
    }
}

impl Raw {
    fn read(&mut self, arg: &Arg) -> Result<()> {
        match arg.name.to_string().as_str() {
            "priority" => {
                let value = arg.value("1")?;
                if value.to_string() == "0" {
                    let message = "priority 0 is idle's: the lowest of a task is 1";
                    return Err(Error::new_spanned(value, message));
                }
                let n = arg.number(1, u64::from(LEVEL_MAX))?;
                self.priority = u8::try_from(n).ok();
            }
            "period" => self.period = Some(positive(arg)?),
            "offset" => self.offset = Some(whole(arg)?),
            "event" => self.event = Some(flag(arg)?),
            "channel" => self.channel = Some(syn::parse2(arg.value("control")?)?),
            "min_interval" => self.min_interval = Some(positive(arg)?),
            "deadline" => self.deadline = Some(positive(arg)?),
            "budget" => self.budget = Some(nonzero(arg, arg.time()?)?),
            "jitter" => self.jitter = Some(whole(arg)?),
            "on_miss" => self.on_miss = Some(on_miss(arg)?),
            "capacity" => {
                let n = arg.number(1, CAPACITY_MAX)?;
                self.capacity = u16::try_from(n).ok().map(|n| (n, arg.name.clone()));
            }
            "measure" => self.measure = Some(arg.bool()?),
            "shared" => self.uses.shared = arg.list("[name, &read_only]")?,
            "local" => self.uses.local = arg.list("[name, count: u32 = 0]")?,
            "channels" => self.uses.channels.extend(arg.list("[control]")?),
            _ => {}
        }
        Ok(())
    }

    fn build(self, signature: Signature) -> Task {
        let us = |time: &Option<Time>| time.as_ref().map_or(0, |t| (t.ns / 1000) as u32);
        let measure = self.measure.unwrap_or(true);
        let deadline = self.deadline().filter(|_| measure);
        let deadline_us = deadline.map(|t| (t.ns / 1000) as u32);
        let min_interval_us = us(&self.min_interval);
        let mut uses = self.uses;
        let release = match (&self.period, self.channel) {
            (Some(_), _) => Release::Periodic {
                period_us: us(&self.period),
                offset_us: us(&self.offset),
            },
            (None, Some(name)) => {
                if !uses.channels.iter().any(|c| c.name == name) {
                    let name = name.clone();
                    uses.channels.push(ChannelUse { name, hold: None });
                }
                Release::Channel {
                    name,
                    min_interval_us,
                }
            }
            (None, None) => Release::Event { min_interval_us },
        };
        Task {
            name: signature.name,
            priority: self.priority.unwrap_or(1),
            release,
            deadline_us,
            budget: self.budget,
            jitter_us: us(&self.jitter),
            on_miss: self.on_miss.map_or(OnMiss::Count, |(what, _)| what),
            capacity: self.capacity.map_or(1, |(n, _)| n),
            measure,
            uses,
            payload: signature.payload,
        }
    }
}

/// A duration that the schedule can count.
fn whole(arg: &Arg) -> Result<Time> {
    let time = arg.time()?;
    time.us(&arg.name.to_string())?;
    Ok(time)
}

/// The same, and not zero.
fn positive(arg: &Arg) -> Result<Time> {
    nonzero(arg, whole(arg)?)
}

fn nonzero(arg: &Arg, time: Time) -> Result<Time> {
    if time.ns == 0 {
        let message = format!("`{}` must be longer than zero", arg.name);
        return Err(Error::new(time.span, message));
    }
    Ok(time)
}

/// An argument without a value.
fn flag(arg: &Arg) -> Result<Ident> {
    match &arg.value {
        None => Ok(arg.name.clone()),
        Some(_) => Err(Error::new_spanned(
            &arg.name,
            format!("`{0}` takes no value: write `{0}`", arg.name),
        )),
    }
}

fn on_miss(arg: &Arg) -> Result<(OnMiss, Ident)> {
    let value = arg.value("count")?;
    let wrong = || Error::new_spanned(&value, "`on_miss` is one of count, skip, stop");
    let word: Ident = syn::parse2(value.clone()).map_err(|_| wrong())?;
    match word.to_string().as_str() {
        "count" => Ok((OnMiss::Count, word)),
        "skip" => Ok((OnMiss::Skip, word)),
        "stop" => Ok((OnMiss::Stop, word)),
        _ => Err(wrong()),
    }
}
