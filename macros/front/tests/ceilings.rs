//! The ceilings in the expansion and those in the report, over random apps, against their definition.

use std::fmt::Write;

use offsched_front::{analyse_source, expand_app};

/// A small generator of pseudo-random numbers (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A function: its level (idle: 0), and what it locks or reads.
struct Function {
    level: u8,
    channel: Option<&'static str>,
    shared: Vec<&'static str>,
    channels: Vec<&'static str>,
}

/// What is locked, what is read without a lock, and the channels.
const LOCKED: [&str; 4] = ["a", "b", "c", "d"];
const READ: [&str; 2] = ["x", "y"];
const CHANNELS: [&str; 3] = ["p", "q", "r"];

/// One channel each for the first tasks, one user at least for each resource: check wants that.
fn functions(random: &mut Random) -> Vec<Function> {
    let idle = random.below(2);
    let count = CHANNELS.len() as u64 + random.below(5) + idle;
    let mut functions: Vec<Function> = (0..count)
        .map(|i| {
            let mut some = |names: &[&'static str]| -> Vec<&'static str> {
                let names = names.iter().copied();
                names.filter(|_| random.chance(25)).collect()
            };
            let (mut shared, channels) = (some(&LOCKED), some(&CHANNELS));
            shared.extend(some(&READ));
            let is_idle = i + idle >= count;
            Function {
                level: if is_idle {
                    0
                } else {
                    1 + random.below(63) as u8
                },
                channel: CHANNELS.get(i as usize).copied(),
                shared,
                channels,
            }
        })
        .collect();
    for name in LOCKED.iter().chain(&READ) {
        if !functions.iter().any(|f| f.shared.contains(name)) {
            let at = random.below(count) as usize;
            functions[at].shared.push(name);
        }
    }
    functions
}

/// The module, as a user writes it.
fn source(functions: &[Function], random: &mut Random) -> String {
    let mut out = String::from("mod app { #[shared] struct Shared {");
    for name in LOCKED.iter().chain(&READ) {
        write!(out, "{name}: u8,").unwrap();
    }
    out += "} #[channels] struct Channels {";
    for name in CHANNELS {
        write!(out, "{name}: Channel<u8, u8>,").unwrap();
    }
    out += "} #[init] fn init(_: init::Context) -> Shared {}";
    for (i, function) in functions.iter().enumerate() {
        let mark = |name: &&str| if READ.contains(name) { "&" } else { "" };
        let shared: Vec<String> = function
            .shared
            .iter()
            .map(|name| format!("{}{name}", mark(name)))
            .collect();
        let uses = format!(
            "shared = [{}], channels = [{}]",
            shared.join(", "),
            function.channels.join(", ")
        );
        let release = match function.channel {
            Some(name) => format!("channel = {name}"),
            None if random.chance(50) => "event".into(),
            None => "period = 1ms".into(),
        };
        let attribute = match function.level {
            0 => format!("idle({uses})"),
            level => format!("task(priority = {level}, {release}, {uses})"),
        };
        write!(out, "#[{attribute}] fn f{i}(_: f{i}::Context) {{}}").unwrap();
    }
    out + "}"
}

/// By definition: the highest level of the functions that lock it, and how many those are.
fn by_definition(functions: &[Function], name: &str) -> Option<(u8, usize)> {
    let locks = functions.iter().filter(|f| {
        (f.shared.contains(&name) && !READ.contains(&name))
            || f.channels.contains(&name)
            || f.channel == Some(name)
    });
    let levels: Vec<u8> = locks.map(|f| f.level).collect();
    levels.iter().max().map(|level| (*level, levels.len()))
}

/// The ceilings that the expansion gives to the locks of this place.
fn expanded(expansion: &str, place: &str) -> Vec<u8> {
    let lock = format!("Lock::new(__core,{place},BASE+");
    let locks = expansion.split(&lock);
    let level = |rest: &str| rest.split("u8)").next().and_then(|text| text.parse().ok());
    locks.skip(1).map(|rest| level(rest).unwrap()).collect()
}

#[test]
fn ceilings_are_the_highest_levels_of_those_who_lock() {
    let mut random = Random(1991);
    for _ in 0..500 {
        let functions = functions(&mut random);
        let module = source(&functions, &mut random);
        let report = analyse_source(&format!("#[offsched::app] {module}"), &[]).unwrap();
        let report = &report[0].report;
        let expansion = expand_app(Default::default(), module.parse().unwrap());
        let expansion = expansion.to_string().replace([' ', '\n'], "");
        let shared = LOCKED.iter().chain(&READ);
        let shared = shared.map(|name| (*name, name.to_string(), format!("&self.shared_{name}")));
        let channels = CHANNELS.map(|name| {
            let place = format!("self.channel_{name}.slot()");
            (name, format!("channel {name}"), place)
        });
        for (name, in_report, place) in shared.chain(channels) {
            let wanted = by_definition(&functions, name);
            let level = wanted.map(|(level, _)| level);
            assert_eq!(report.ceiling(&in_report), level, "{name} in {module}");
            let wanted = wanted.map_or(Vec::new(), |(level, locks)| vec![level; locks]);
            assert_eq!(expanded(&expansion, &place), wanted, "{name} in {module}");
        }
    }
}
