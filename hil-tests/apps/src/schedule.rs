//! Jobs for later: by tick and by distance, in whatever order they are asked
//! for; and taking one back, with its message, while it waits.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::ExtU64;

    #[init]
    fn init(_: init::Context) {
        plan::spawn().unwrap();
    }

    #[task(priority = 2, event)]
    fn plan(mut cx: plan::Context) {
        let now = cx.clock.now();
        let _ = note::spawn_at(now + 600u64.millis(), "last").unwrap();
        let _ = note::spawn_after(400u64.millis(), "second").unwrap();
        let unwanted = note::spawn_at(now + 300u64.millis(), "unwanted").unwrap();
        let _ = note::spawn_at(now + 200u64.millis(), "first").unwrap();
        match unwanted.cancel() {
            Ok((word,)) => writeln!(cx.console, "took back: {word}").unwrap(),
            Err(_) => writeln!(cx.console, "could not take it back").unwrap(),
        }
        // A tick that has passed is now, and what is ready is not taken back.
        let past = note::spawn_at(cx.release, "at once").unwrap();
        if past.cancel().is_err() {
            writeln!(cx.console, "too late to take it back").unwrap();
        }
    }

    #[task(priority = 1, event, capacity = 5)]
    fn note(mut cx: note::Context, word: &'static str) {
        writeln!(cx.console, "note: {word}").unwrap();
        if word == "last" {
            cx.stop();
        }
    }
}
