//! Logs of several levels. `urgent` interrupts `slow` in the middle of a frame:
//! both frames come out whole, in the order in which they began; and what is
//! said after the stop comes out too.

pub use app::App;

/// Something with a format of its own.
#[derive(defmt::Format)]
pub struct Sample {
    /// Its number.
    pub number: u16,
    /// What was measured.
    pub value: Option<i32>,
}

/// While a frame of it is written, a more urgent job runs.
struct Interrupted;

impl defmt::Format for Interrupted {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "first");
        app::urgent::spawn().unwrap();
        defmt::write!(f, " and last");
    }
}

/// The app.
#[offsched::app]
pub mod app {
    #[init]
    fn init(_: init::Context) {
        defmt::info!("init: {=str}", "up");
        slow::spawn().unwrap();
    }

    #[task(priority = 1, event)]
    fn slow(cx: slow::Context) {
        let value = super::Sample {
            number: 7,
            value: Some(-3),
        };
        defmt::debug!("slow begins with {}", value);
        defmt::warn!("interrupted: {}", super::Interrupted);
        defmt::error!("{=u8:#x} and {=[u8]}", 42, [1, 2, 3]);
        cx.stop();
        defmt::info!("last words");
    }

    #[task(priority = 5, event)]
    fn urgent(_: urgent::Context) {
        defmt::info!("urgent, in between");
    }
}
