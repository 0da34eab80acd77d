//! `analyse_source`: what `offsched analyse FILE` prints, without a compiler.

use offsched_analysis::Verdict;
use offsched_front::{SourceError, analyse_source};

const APP: &str = r#"
//! A file with other things in it.
use std::collections::HashMap;

mod nested {
    #[offsched::app(overhead = 200ns, services = [fast = offsched_services::beat { base = 8 }])]
    pub mod control {
        #[shared]
        struct Shared { total: u64 }
        #[init]
        fn init(_: init::Context) -> Shared { Shared { total: 0 } }
        #[idle(shared = [total(1us)])]
        fn idle(_: idle::Context) {}
        #[task(priority = 2, period = 100us, budget = 5us, shared = [total])]
        fn sample(mut cx: sample::Context) { cx.shared.total.lock(|t| *t += 1); }
    }
}

fn main() {}
"#;

const SERVICE: &str = r#"
#[offsched::service]
pub mod beat {
    #[task(priority = 1, period = 50us, budget = 10us)]
    fn tick(_: tick::Context) {}
}
"#;

/// The only message of an error, as text.
fn message(error: &SourceError) -> &str {
    assert_eq!(error.messages.len(), 1, "{error}");
    &error.messages[0].text
}

#[test]
fn an_app_and_its_service_give_one_table() {
    let apps = analyse_source(APP, &[SERVICE]).unwrap();
    assert_eq!(apps.len(), 1);
    let expected = "\
app `control`, line 7
task       level  every  jitter  deadline  budget  blocking   bound  verdict
sample         2  100us       -     100us     5us       1us  16.4us  meets
fast.tick      9   50us       -      50us    10us         -  10.2us  meets
sample: blocked by `idle`, which holds `total`
";
    assert_eq!(apps[0].to_string(), expected);
    assert_eq!(apps[0].report.ceiling("total"), Some(2));
}

#[test]
fn a_service_in_the_same_file_is_found() {
    let both = format!("{APP}\n{SERVICE}");
    assert_eq!(analyse_source(&both, &[]).unwrap()[0].report.tasks.len(), 2);
}

#[test]
fn a_missing_service_is_named_with_its_place() {
    let error = analyse_source(APP, &["fn unrelated() {}"]).unwrap_err();
    assert_eq!(
        message(&error),
        "the app includes `offsched_services::beat`, which is in none of the given files: \
         give the file with its `#[offsched::service] mod beat` too"
    );
    assert_eq!((error.messages[0].line, error.messages[0].column), (6, 58));
}

#[test]
fn a_miss_is_a_verdict_and_no_error() {
    let late = APP.replace("period = 100us", "period = 10us");
    let apps = analyse_source(&late, &[SERVICE]).unwrap();
    let sample = apps[0].report.task("sample").unwrap();
    assert_eq!(sample.verdict, Verdict::Misses);
    let text = apps[0].to_string();
    assert!(
        text.contains("sample: the largest contributor is `fast.tick` with 10.2us"),
        "{text}"
    );
}

/// A regression: a service of which no bound is known hid that the app asks for 130% of the core.
#[test]
fn a_service_without_budgets_hides_no_overload() {
    let timer = include_str!("../../../services/src/timer/service.rs");
    let app = "
        #[offsched::app(services = [timer = offsched_services::timer { base = 8 }])]
        mod app {
            #[init]
            fn init(_: init::Context) {}
            #[task(priority = 2, period = 100us, budget = 90us)]
            fn hog(_: hog::Context) {}
            #[task(priority = 1, period = 100us, deadline = 50us, budget = 40us)]
            fn late(_: late::Context) {}
        }";
    let report = &analyse_source(app, &[timer]).unwrap()[0].report;
    assert_eq!(report.task("late").unwrap().verdict, Verdict::Misses);
    assert_eq!(report.task("hog").unwrap().verdict, Verdict::Unknown);
    let fits = app.replace("budget = 40us", "budget = 5us");
    let fits = fits.replace("deadline = 50us", "deadline = 100us");
    assert!(
        analyse_source(&fits, &[timer]).unwrap()[0]
            .report
            .is_schedulable()
    );
}

#[test]
fn all_mistakes_are_listed_with_their_places() {
    let wrong = APP
        .replace("priority = 2", "priority = 99")
        .replace("5us", "5");
    let error = analyse_source(&wrong, &[SERVICE]).unwrap_err();
    let expected = "\
14:27: `priority` must be a whole number between 1 and 63
14:56: `budget` needs a unit: write `5us` (the units are ns, us, ms, s)";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_mistake_in_a_service_is_placed_in_its_file() {
    let wrong = SERVICE.replace("50us", "50");
    let error = analyse_source(APP, &["", &wrong]).unwrap_err();
    assert_eq!(error.file, 2);
    assert_eq!((error.messages[0].line, error.messages[0].column), (4, 35));
}

#[test]
fn what_is_no_rust_is_refused_and_what_has_no_app_is_empty() {
    assert!(analyse_source("mod app {", &[]).is_err());
    assert!(analyse_source("fn main() {}", &[]).unwrap().is_empty());
}
