//! How a core ends: the job that asked for it goes to its end, jobs that wait
//! do not start, and spawns from then on are refused. What init made is dropped.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;

    #[init]
    fn init(_: init::Context) {
        first::spawn().unwrap();
        never::spawn().unwrap();
    }

    #[task(priority = 2, event)]
    fn first(mut cx: first::Context) {
        writeln!(cx.console, "first stops the core").unwrap();
        cx.stop();
        if let Err(refused) = late::spawn() {
            writeln!(cx.console, "spawn: {refused}").unwrap();
        }
        writeln!(cx.console, "first goes to its end").unwrap();
    }

    /// More urgent than `first`, but spawned too late.
    #[task(priority = 3, event)]
    fn late(mut cx: late::Context) {
        writeln!(cx.console, "late runs").unwrap();
    }

    /// Waits behind `first`.
    #[task(priority = 1, event)]
    fn never(mut cx: never::Context) {
        writeln!(cx.console, "never runs").unwrap();
    }
}
