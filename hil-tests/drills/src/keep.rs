//! Interrupts that use the FPU and the stack in the middle of code that uses
//! them too: whatever the entry forgets to save shows in a result.

pub use app::App;

/// A few hundred thousand dependent operations, in registers and below the stack pointer.
#[inline(never)]
fn chain(seed: f64) -> f64 {
    let mut values = [seed, seed + 0.5, seed + 0.25, seed + 0.125];
    for _ in 0..STEPS {
        let turned = [values[3], values[0], values[1], values[2]];
        for (value, other) in values.iter_mut().zip(turned) {
            *value = 0.5 * *value + 0.375 * other + 1.0;
        }
        values = core::hint::black_box(values);
    }
    values.iter().sum()
}

const STEPS: u32 = 20_000;
/// Rounds of the job that is interrupted.
const CHAINS: u32 = 400;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::Mutex;

    #[shared]
    struct Shared {
        interruptions: u32,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        busy::spawn().unwrap();
        Shared { interruptions: 0 }
    }

    #[task(priority = 1, event, shared = [interruptions])]
    fn busy(mut cx: busy::Context) {
        let wanted = super::chain(1.0);
        let wrong = (0..super::CHAINS)
            .filter(|_| super::chain(1.0) != wanted || !crate::registers::kept())
            .count();
        let interruptions = cx.shared.interruptions.lock(|n| *n);
        if wrong == 0 && interruptions > 10 {
            writeln!(cx.console, "all the same").unwrap();
        } else {
            writeln!(cx.console, "{wrong} wrong, {interruptions} interruptions").unwrap();
        }
        cx.stop();
    }

    #[task(priority = 2, period = 1ms, shared = [interruptions])]
    fn urgent(mut cx: urgent::Context) {
        cx.shared.interruptions.lock(|n| *n += 1);
        // Not inlined, and not without an effect: all registers that a chain uses are gone afterwards.
        core::hint::black_box(super::tangle(2.0));
    }
}

/// As [`chain`], shorter.
#[inline(never)]
fn tangle(seed: f64) -> f64 {
    let mut values = [seed; 4];
    for step in 0..50 {
        for value in &mut values {
            *value = *value * 1.25 - f64::from(step);
        }
        values = core::hint::black_box(values);
    }
    values.iter().sum()
}
