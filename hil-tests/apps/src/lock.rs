//! A lock delays whoever could want the resource, and nobody above.
//!
//! `data` belongs to `low` and `middle`, so its ceiling is 2: while `low` holds
//! it, `middle` waits for the end of the lock. `high` does not use it and runs
//! at once.

pub use app::App;

/// The app.
#[offsched::app]
pub mod app {
    use core::fmt::Write;
    use offsched::Mutex;

    #[shared]
    struct Shared {
        data: u32,
    }

    #[init]
    fn init(_: init::Context) -> Shared {
        low::spawn().unwrap();
        Shared { data: 0 }
    }

    #[task(priority = 1, event, shared = [data])]
    fn low(mut cx: low::Context) {
        let mut console = cx.console;
        cx.shared.data.lock(|data| {
            writeln!(console, "low has the lock").unwrap();
            middle::spawn().unwrap();
            writeln!(console, "low has spawned middle").unwrap();
            high::spawn().unwrap();
            *data += 1;
            writeln!(console, "low gives the lock back").unwrap();
        });
        writeln!(console, "low ends").unwrap();
        cx.stop();
    }

    #[task(priority = 2, event, shared = [data])]
    fn middle(mut cx: middle::Context) {
        let data = cx.shared.data.lock(|data| *data);
        writeln!(cx.console, "  middle sees {data}").unwrap();
    }

    #[task(priority = 3, event)]
    fn high(mut cx: high::Context) {
        writeln!(cx.console, "    high runs").unwrap();
    }
}
