//! What an app printed, beside what it should.

use std::path::Path;

/// Compares a run with `expected/<app>.txt`.
#[track_caller]
pub fn compare(app: &str, console: &str, outcome: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("expected")
        .join(format!("{app}.txt"));
    let found = format!("{console}-- {outcome}\n");
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; OFFSCHED_BLESS=1 cargo test -p offsched-apps --test sim writes it",
            path.display()
        )
    });
    assert!(
        found == expected,
        "{app} printed:\n{found}\nbut {} says:\n{expected}",
        path.display()
    );
}

/// What a run that was stopped as asked says at its end.
pub const STOPPED: &str = "stopped as asked";

/// What a run that a missed deadline stopped says at its end.
pub fn missed(task: &str) -> String {
    format!("stopped: {task} missed its deadline")
}
