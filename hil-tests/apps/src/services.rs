//! A service included twice: each instance has tasks and state of its own, and
//! `base` lifts one of them above the other.

pub use app::App;

/// Beats three times.
#[offsched::service]
pub mod pulse {
    use core::fmt::Write;
    use offsched::Mutex;

    #[shared]
    struct Shared {
        beats: u32,
    }

    #[init]
    fn init(cx: init::Context) -> Shared {
        cx.spawn.beat.spawn((1,)).unwrap();
        Shared { beats: 0 }
    }

    #[task(priority = 2, event, shared = [beats])]
    fn beat(mut cx: beat::Context, number: u32) {
        let beats = cx.shared.beats.lock(|beats| {
            *beats += 1;
            *beats
        });
        writeln!(cx.console, "beat {number} of {beats}").unwrap();
        cx.spawn.rest.spawn((number + 1,)).unwrap();
        writeln!(cx.console, "beat {number} ends").unwrap();
    }

    #[task(priority = 1, event)]
    fn rest(mut cx: rest::Context, next: u32) {
        if next > 3 {
            writeln!(cx.console, "enough").unwrap();
        } else {
            cx.spawn.beat.spawn((next,)).unwrap();
        }
    }
}

/// The app.
#[offsched::app(services = [fast = crate::services::pulse { base = 8 }, slow = crate::services::pulse { base = 1 }])]
pub mod app {
    use core::fmt::Write;

    #[init]
    fn init(_: init::Context) {
        last::spawn().unwrap();
    }

    /// Below both instances: runs when they have nothing left to do.
    #[task(priority = 1, event)]
    fn last(mut cx: last::Context) {
        writeln!(cx.console, "both are done").unwrap();
        cx.stop();
    }
}
