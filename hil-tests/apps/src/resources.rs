//! Resources: `scale` is only read, so it needs no lock; `total` is shared
//! behind one; `led` came from init and belongs to one task, `count` is declared
//! where it is used.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::Mutex;

    #[shared]
    struct Shared {
        total: u64,
        scale: u64,
    }

    #[local]
    struct Local {
        led: Led,
    }

    /// Something that only one task may use.
    pub struct Led {
        is_on: bool,
    }

    #[init]
    fn init(_: init::Context) -> (Shared, Local) {
        add::spawn(1).unwrap();
        add::spawn(2).unwrap();
        add::spawn(3).unwrap();
        report::spawn().unwrap();
        (
            Shared {
                total: 0,
                scale: 10,
            },
            Local {
                led: Led { is_on: false },
            },
        )
    }

    #[task(priority = 2, event, capacity = 3, shared = [total, &scale], local = [led, count: u32 = 0])]
    fn add(mut cx: add::Context, x: u64) {
        let scaled = x * cx.shared.scale;
        cx.shared.total.lock(|total| *total += scaled);
        *cx.local.count += 1;
        cx.local.led.is_on = !cx.local.led.is_on;
        let led = if cx.local.led.is_on { "on" } else { "off" };
        writeln!(
            cx.console,
            "add number {}: {scaled}, led {led}",
            cx.local.count
        )
        .unwrap();
    }

    #[task(priority = 1, event, shared = [total, &scale])]
    fn report(mut cx: report::Context) {
        let total = cx.shared.total.lock(|total| *total);
        writeln!(cx.console, "total {total} at scale {}", cx.shared.scale).unwrap();
        cx.stop();
    }
}
