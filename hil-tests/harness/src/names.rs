//! The names of the cases that a run has: to list them, and to see that a filter leaves any.

use std::path::Path;

use crate::build;
use crate::options::Options;
use crate::scenario::Scenario;
use crate::target::Target;
use crate::{trampoline, vm};

/// Those of the run that these options ask for.
///
/// # Errors
/// Why the program that knows them does not build or run.
pub fn wanted(options: &Options, root: &Path, work: &Path) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    if !options.timing {
        let program = build::program(root, work)?;
        names = build::names(root, &program, &options.for_guest())?;
    }
    let own = own(options).into_iter().map(str::to_owned);
    names.extend(own.filter(|name| options.wants(name)));
    Ok(names)
}

/// Refuses a filter that leaves none.
///
/// # Errors
/// That it does, and what to do.
pub fn check(options: &Options, root: &Path, work: &Path) -> Result<(), String> {
    match &options.filter {
        Some(filter) if wanted(options, root, work)?.is_empty() => Err(none(filter)),
        _ => Ok(()),
    }
}

fn none(filter: &str) -> String {
    format!(
        "no case of this run has `{filter}` in its name: say --list instead of --filter to see their names"
    )
}

/// Cases of the harness itself: boots of their own, of guests in QEMU.
fn own(options: &Options) -> Vec<&'static str> {
    if options.target != Target::Qemu {
        return Vec::new();
    }
    let has_budgets = options.suites().iter().any(|s| options.has_budgets(*s));
    let timing = has_budgets.then_some(Scenario::Timing.title());
    if options.timing {
        return timing.into_iter().collect();
    }
    let counted = [Scenario::Apps, Scenario::Deadlines];
    let boots = Scenario::OWN_BOOT.into_iter().chain(counted);
    let titles = boots.map(Scenario::title).chain(timing);
    titles.chain([vm::TITLE, trampoline::TITLE]).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::options::Cli;

    fn own_of(line: &str) -> Vec<&'static str> {
        let cli = Cli::try_parse_from(line.split_whitespace());
        own(&cli.unwrap_or_else(|why| panic!("{why}")).options)
    }

    #[test]
    fn boots_of_their_own_are_for_guests_in_qemu() {
        assert!(own_of("hil --short").contains(&vm::TITLE));
        assert!(own_of("hil --target ssh:lab").is_empty());
    }

    #[test]
    fn figures_are_a_case_where_they_have_budgets() {
        assert_eq!(own_of("hil --timing"), ["timing"]);
        assert!(own_of("hil").contains(&"timing"));
        assert!(!own_of("hil --kernel stable").contains(&"timing"));
    }

    #[test]
    fn a_filter_that_leaves_nothing_is_refused() {
        let refused = |filter| {
            let line = ["hil", "--timing", "--filter", filter];
            let options = Cli::try_parse_from(line).unwrap().options;
            check(&options, Path::new("."), Path::new("."))
        };
        assert_eq!(refused("tim"), Ok(()));
        let why = refused("no such").unwrap_err();
        assert!(why.contains("`no such`") && why.contains("--list"), "{why}");
    }
}
