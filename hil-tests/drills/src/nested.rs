//! A panic in a job that interrupted another one, so that the backtrace goes
//! through the interrupt's entry to what was interrupted.

pub use app::App;

/// What is interrupted.
#[inline(never)]
fn interrupted(rounds: &mut u32) {
    while core::hint::black_box(*rounds) < u32::MAX {
        *rounds = core::hint::black_box(*rounds).wrapping_add(1);
    }
}

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;

    #[init]
    fn init(_: init::Context) {
        busy::spawn().unwrap();
    }

    #[task(priority = 1, event, local = [rounds: u32 = 0])]
    fn busy(mut cx: busy::Context) {
        writeln!(cx.console, "before").unwrap();
        super::interrupted(cx.local.rounds);
    }

    #[task(priority = 2, period = 100ms, offset = 50ms)]
    fn urgent(_: urgent::Context) {
        panic!("on top of a job");
    }
}
