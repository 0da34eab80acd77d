//! Everything that an app can declare, in one app.
#![deny(warnings, missing_docs, unsafe_code, clippy::all)]

use offsched::Mutex;

/// A type of the outer module, under a name that generated code uses too.
#[derive(Debug)]
pub struct Context(pub u8);

#[offsched::app(overhead = 200ns)]
mod app {
    use super::*;
    use offsched::ExtU64;

    #[derive(Default)]
    struct Config {
        gain: u64,
    }

    #[shared]
    struct Shared {
        total: u64,
        config: Config,
        _kept: [u8; 4],
    }

    #[local]
    struct Local {
        led: Context,
    }

    #[init]
    fn init(cx: init::Context) -> (Shared, Local) {
        let _ = cx.clock.now();
        let shared = Shared {
            total: 0,
            config: Config { gain: 2 },
            _kept: [0; 4],
        };
        (shared, Local { led: Context(1) })
    }

    #[idle(shared = [total(1us)], local = [turns: u32 = 0])]
    fn idle(mut cx: idle::Context) {
        *cx.local.turns += 1;
        if cx.shared.total.lock(|total| *total) > 10 {
            cx.stop();
        }
    }

    /// Documented, as tasks should be.
    #[task(
        priority = 3, period = 100us, offset = 10us, deadline = 80us, budget = 5us, jitter = 1us, on_miss = skip,
        shared = [total(2us), &config], local = [led, count: u32 = 0], capacity = 2, measure = true
    )]
    fn sample(mut cx: sample::Context) {
        let gain = cx.shared.config.gain;
        cx.shared.total.lock(|total| *total += gain);
        *cx.local.count += u32::from(cx.local.led.0);
        let _ = cx.release;
        let _ = handle::spawn(*cx.local.count, (1, 2), Some(1));
        if let Ok(handle) = pause::spawn_after(50u64.micros()) {
            let _ = handle.cancel();
        }
        let _ = pause::spawn_at(cx.release + 50u64.micros());
    }

    #[task(priority = 2, event, min_interval = 50us, budget = 10us, deadline = 50us, capacity = 4)]
    fn handle(_: handle::Context, x: u32, (a, b): (u8, u8), _: Option<u8>) {
        let _ = (x, a, b);
    }

    #[task(priority = 1, event)]
    fn pause(_cx: pause::Context) {}

    #[task(priority = 1, period = 1s, measure = false, shared = [&config])]
    fn quiet(cx: quiet::Context<'_>) {
        let _ = cx.shared.config.gain;
    }
}

fn main() {
    let image = <app::App as offsched::App>::image();
    let levels: Vec<u8> = image.tasks.iter().map(|task| task.level).collect();
    assert_eq!(levels, [3, 2, 1, 1]);
    let nodes: Vec<u16> = image.tasks.iter().map(|task| task.first_node).collect();
    assert_eq!(nodes, [0, 1, 5, 6]);
    assert_eq!(image.nodes.len(), 7);
}
